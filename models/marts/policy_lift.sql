{{ config(enabled=is_declared('offers')) }}
{{ policy_lift(ref('arm_decisions'), 'revenue') }}
