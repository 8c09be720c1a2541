select training_offers.*
from {{ ref('training_offers') }} as training_offers
cross join {{ ref('watermark') }} as watermark
where
    training_offers.is_label_mature
    <> (training_offers.label_matures_at <= watermark.watermark_at)
    or training_offers.label_matures_at <= training_offers.offered_at
