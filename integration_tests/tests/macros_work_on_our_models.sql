-- Each column: what is not as it should be.
with

expected as (
    select * from (
        values
        ('ann 2025-01-02 09:00:00', 4.99, 1, 'DK', 0),
        ('ann 2025-01-02 09:10:00', 4.99, 1, 'DK', 3),
        ('ann 2025-01-02 12:00:00', 4.99, 0, 'DK', 0),
        ('bob 2025-01-20 11:00:00', 0, 1, null, 0)
    ) as rows (anchor_id, paid_before, games_in_last_session, country, words_before)
),

differing as (
    (select * from expected except select * from {{ ref('message_features') }})
    union all
    (select * from {{ ref('message_features') }} except select * from expected)
)

select anchor_id from differing
union all
select customer from {{ ref('message_threads') }}
group by customer
having count(*) <> case customer when 'ann' then 2 else 1 end
