{#-
Snowplow: enriched events as JSON, as its analytics SDKs write them. A self-describing event lies
under a name of its own; those of the schemas named here belong to the vendor that the var
`snowplow_vendor` names.
-#}
{% macro vocabulary_of_snowplow() %}
{% set vendor = var('snowplow_vendor', 'com_acme') %}
{% set text %}
event_types: [page_view, page_ping, screen_view, application_install, application_background, link_click]
event_type_aliases:
  app_launched: [application_foreground, session_start]
  user_updated: [user_update]
  game_start: [level_start]
  game_end: [level_end]
  purchase: [transaction]
field_aliases:
  # Snowplow's own event_id is the event's uuid; a structured event is named by its action.
  event_id: [se_action, event_name, event_id]
  event_time: [derived_tstamp, dvce_created_tstamp, collector_tstamp]
  customer_identifier: [user_id, domain_userid, network_userid,
    'contexts_com_snowplowanalytics_snowplow_client_session_1[0].userId']
  session_id: [domain_sessionid,
    'contexts_com_snowplowanalytics_snowplow_client_session_1[0].sessionId']
  event_uuid: [event_id]
  received_at: [collector_tstamp]
  country: [geo_country]
  language: [br_lang, 'contexts_com_snowplowanalytics_snowplow_mobile_context_1[0].language']
  package_name: [app_id]
  package_version: ['contexts_com_snowplowanalytics_mobile_application_1[0].version']
  os: [os_name, 'contexts_com_snowplowanalytics_snowplow_mobile_context_1[0].osType']
  os_version: ['contexts_com_snowplowanalytics_snowplow_mobile_context_1[0].osVersion']
  device_type: [dvce_type]
  device_make: ['contexts_com_snowplowanalytics_snowplow_mobile_context_1[0].deviceManufacturer']
  device_model: ['contexts_com_snowplowanalytics_snowplow_mobile_context_1[0].deviceModel']
  signin_method: [unstruct_event_{{ vendor }}_user_update_1.signin_method, unstruct_event_{{ vendor }}_session_start_1.signin_method]
  currency: [unstruct_event_{{ vendor }}_purchase_1.currency, unstruct_event_{{ vendor }}_offer_shown_1.currency, tr_currency]
  currency_balance: ['contexts_{{ vendor }}_player_1[0].currency_balance']
  level: [unstruct_event_{{ vendor }}_level_start_1.level, unstruct_event_{{ vendor }}_level_end_1.level]
  score: [unstruct_event_{{ vendor }}_level_end_1.score, se_value]
  badge: [unstruct_event_{{ vendor }}_level_end_1.badge]
  won: [unstruct_event_{{ vendor }}_level_end_1.won]
  offer_type: [unstruct_event_{{ vendor }}_offer_shown_1.offer_type]
  offer_price: [unstruct_event_{{ vendor }}_offer_shown_1.offer_price]
  offer_purchased: [unstruct_event_{{ vendor }}_offer_shown_1.offer_purchased]
  offer_dismissed: [unstruct_event_{{ vendor }}_offer_shown_1.offer_dismissed]
  decision_id: [unstruct_event_{{ vendor }}_offer_shown_1.decision_id]
  propensity: [unstruct_event_{{ vendor }}_offer_shown_1.propensity]
  policy_version: [unstruct_event_{{ vendor }}_offer_shown_1.policy_version]
  decision_context: [unstruct_event_{{ vendor }}_offer_shown_1.decision_context]
  sku: [unstruct_event_{{ vendor }}_purchase_1.sku]
  txn_amount: [unstruct_event_{{ vendor }}_purchase_1.txn_amount, tr_total]
  purchase_source: [unstruct_event_{{ vendor }}_purchase_1.purchase_source, tr_affiliation]
{% endset %}
{{ return(fromyaml(text)) }}
{% endmacro %}
