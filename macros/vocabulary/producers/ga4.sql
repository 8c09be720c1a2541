{#- Google Analytics 4 and Firebase: rows of the BigQuery export, as JSON or Parquet. -#}
{% macro vocabulary_of_ga4() %}
{% set text %}
event_types: [first_open, first_visit, user_engagement, screen_view, page_view, app_remove, app_update,
  app_clear_data, app_exception, os_update, level_up, login, sign_up, tutorial_begin, tutorial_complete,
  earn_virtual_currency, spend_virtual_currency, unlock_achievement, post_score, ad_impression, ad_reward,
  notification_open, notification_receive, view_promotion, select_promotion, refund]
event_type_aliases:
  app_launched: [session_start]
  user_updated: [user_update]
  game_start: [level_start]
  game_end: [level_end]
  purchase: [in_app_purchase]
field_aliases:
  event_id: [event_name]
  event_time: [event_timestamp]
  customer_identifier: [user_id, user_pseudo_id]
  session_id: ['event_params[session_id]', 'event_params[ga_session_id]']
  event_uuid: ['event_params[event_uuid]']
  country: ['event_params[country]', geo.country]
  language: [device.language]
  signin_method: ['event_params[signin_method]', 'event_params[method]', 'user_properties[signin_method]']
  package_name: [app_info.id]
  package_version: [app_info.version]
  os: [device.operating_system]
  os_version: [device.operating_system_version]
  device_type: [device.category]
  device_make: [device.mobile_brand_name]
  device_model: [device.mobile_model_name]
  device_id: [device.vendor_id, device.advertising_id]
  currency: ['event_params[currency]']
  currency_balance: ['event_params[currency_balance]', 'user_properties[currency_balance]']
  level: ['event_params[level]', 'event_params[level_name]']
  score: ['event_params[score]']
  badge: ['event_params[badge]', 'event_params[achievement_id]']
  won: ['event_params[won]', 'event_params[success]']
  offer_type: ['event_params[offer_type]', 'event_params[promotion_name]']
  offer_price: ['event_params[offer_price]', 'event_params[value]']
  offer_purchased: ['event_params[offer_purchased]']
  offer_dismissed: ['event_params[offer_dismissed]']
  decision_id: ['event_params[decision_id]']
  propensity: ['event_params[propensity]']
  policy_version: ['event_params[policy_version]']
  decision_context: ['event_params[decision_context]']
  sku: ['event_params[sku]', 'event_params[product_id]', 'items[0].item_id']
  txn_amount: ['event_params[txn_amount]', 'event_params[value]', ecommerce.purchase_revenue]
  purchase_source: ['event_params[purchase_source]', 'event_params[affiliation]']
{% endset %}
{{ return(fromyaml(text)) }}
{% endmacro %}
