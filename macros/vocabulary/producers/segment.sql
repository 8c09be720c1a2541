{#- Segment and RudderStack: lines of their S3 and GCS destinations, one call each. -#}
{% macro vocabulary_of_segment() %}
{% set text %}
event_types: [identify, page, screen, group, alias, Application Installed, Application Updated,
  Application Backgrounded, Application Crashed, Push Notification Received]
event_type_aliases:
  app_launched: [Application Opened, Session Started]
  user_updated: [identify, User Updated]
  game_start: [Game Started, Level Started]
  game_end: [Game Ended, Level Ended, Level Completed]
  offer_shown: [Offer Shown, Offer Viewed]
  purchase: [Order Completed, Purchase]
field_aliases:
  event_id: [event, type]
  event_time: [timestamp, originalTimestamp]
  customer_identifier: [userId, anonymousId]
  session_id: [properties.session_id, properties.sessionId, context.sessionId, context.session_id]
  event_uuid: [messageId]
  received_at: [receivedAt]
  country: [properties.country, traits.country, traits.address.country, context.traits.country,
    context.traits.address.country, context.location.country]
  language: [properties.language, context.locale]
  signin_method: [properties.signin_method, properties.method, traits.signin_method,
    context.traits.signin_method]
  package_name: [context.app.namespace, context.app.name]
  package_version: [context.app.version]
  os: [context.os.name]
  os_version: [context.os.version]
  device_type: [context.device.type]
  device_make: [context.device.manufacturer]
  device_model: [context.device.model]
  device_id: [context.device.id]
  currency: [properties.currency]
  currency_balance: [properties.currency_balance]
  level: [properties.level]
  score: [properties.score]
  badge: [properties.badge]
  won: [properties.won, properties.success]
  offer_type: [properties.offer_type, properties.offer]
  offer_price: [properties.offer_price, properties.price]
  offer_purchased: [properties.offer_purchased, properties.purchased]
  offer_dismissed: [properties.offer_dismissed, properties.dismissed]
  decision_id: [properties.decision_id]
  propensity: [properties.propensity]
  policy_version: [properties.policy_version]
  decision_context: [properties.decision_context]
  sku: [properties.sku, properties.product_id, 'properties.products[0].sku', 'properties.products[0].product_id']
  txn_amount: [properties.txn_amount, properties.revenue, properties.total]
  purchase_source: [properties.purchase_source, properties.affiliation]
{% endset %}
{{ return(fromyaml(text)) }}
{% endmacro %}
