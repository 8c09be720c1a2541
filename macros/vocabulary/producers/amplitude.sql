{#- Amplitude: lines of its export, by the API or to S3. -#}
{% macro vocabulary_of_amplitude() %}
{% set text %}
event_types: ['[Amplitude] Application Installed', '[Amplitude] Application Updated',
  '[Amplitude] Application Backgrounded', '[Amplitude] Screen Viewed', '[Amplitude] Page Viewed',
  session_end, revenue_amount_unverified]
event_type_aliases:
  app_launched: [session_start, '[Amplitude] Start Session', '[Amplitude] Application Opened']
  user_updated: ['$identify', User Updated]
  game_start: [Game Started, Level Started, level_start]
  game_end: [Game Ended, Level Ended, level_end]
  offer_shown: [Offer Shown, Offer Viewed]
  purchase: [revenue_amount, Purchase, Order Completed]
field_aliases:
  # Amplitude's own event_id counts the events of a device.
  event_id: [event_type, event_id]
  event_time: [event_time, client_event_time]
  customer_identifier: [user_id, amplitude_id, device_id]
  event_uuid: ['$insert_id', uuid]
  received_at: [server_received_time]
  country: [event_properties.country, country]
  language: [language]
  signin_method: [event_properties.signin_method, user_properties.signin_method]
  package_name: [event_properties.package_name]
  package_version: [version_name]
  os: [os_name, os]
  device_type: [device_family, device_type]
  device_make: [device_manufacturer, device_brand]
  currency: ['event_properties.currency', 'event_properties.$currency']
  currency_balance: [event_properties.currency_balance, user_properties.currency_balance]
  level: [event_properties.level]
  score: [event_properties.score]
  badge: [event_properties.badge]
  won: [event_properties.won, event_properties.success]
  offer_type: [event_properties.offer_type, event_properties.offer]
  offer_price: [event_properties.offer_price, event_properties.price]
  offer_purchased: [event_properties.offer_purchased, event_properties.purchased]
  offer_dismissed: [event_properties.offer_dismissed, event_properties.dismissed]
  decision_id: [event_properties.decision_id]
  propensity: [event_properties.propensity]
  policy_version: [event_properties.policy_version]
  decision_context: [event_properties.decision_context]
  sku: [event_properties.sku, 'event_properties.$productId', event_properties.product_id]
  txn_amount: [event_properties.txn_amount, 'event_properties.$revenue', event_properties.revenue]
  purchase_source: [event_properties.purchase_source, 'event_properties.$revenueType']
{% endset %}
{{ return(fromyaml(text)) }}
{% endmacro %}
