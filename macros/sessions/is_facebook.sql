{#-
Whether a sign-in method (text) is Facebook: `fb`, `facebook`, or a URL whose host
is facebook.com or a subdomain of it. Null for null.
-#}
{% macro is_facebook(signin_method) -%}
    lower({{ signin_method }}) in ('fb', 'facebook')
    or {{ matches(
        'lower(' ~ signin_method ~ ')',
        '[a-z][a-z0-9+.-]*://([^/?#]*@)?([^/?#@:]+[.])?facebook[.]com[.]?(:[0-9]*)?([/?#].*)?'
    ) }}
{%- endmacro %}
