-- Its point-in-time join at anchors of ours: each message, over its sessions and our messages.
{%- set features = [
    {'name': 'paid_before', 'data_type': 'decimal(18, 2)', 'config': {'meta': {
        'over': 'stg_purchases', 'before': {'day': 7}, 'aggregate': 'sum(txn_amount)', 'if_none': 0}}},
    {'name': 'games_in_last_session', 'data_type': 'bigint', 'config': {'meta': {
        'over': 'sessions', 'before': {'count': 1}, 'aggregate': 'sum(games_played)'}}},
    {'name': 'country', 'data_type': 'varchar', 'config': {'meta': {
        'as_of': 'user_profiles', 'value': 'country'}}},
    {'name': 'words_before', 'data_type': 'bigint', 'config': {'meta': {
        'over': 'message_times', 'before': {'hour': 1}, 'aggregate': 'sum(words)', 'if_none': 0}}},
] %}

with message_anchors as (
    select
        customer || ' ' || sent_at as anchor_id,
        customer as user_id,
        cast(null as varchar) as session_id,
        cast(sent_at as timestamp) as anchored_at
    from {{ ref('messages') }}
)

select * from ({{ offer_ai.anchor_features(
    'message_anchors', features, ref('offer_ai', 'session_events')) }}) as features
