select {{ days_between("cast('2010-01-01' as date)", "cast('2039-12-31' as date)") }} as date_day
