-- Its macro on a relation of ours.
select
    customer,
    block_id as thread,
    sum(words) as words
from (
    {{ offer_ai.split_blocks(ref('messages'), ['customer'], ['sent_at'],
        'sent_at > previous.sent_at + interval 30 minute') }}
) as blocks
group by customer, block_id
