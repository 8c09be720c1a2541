select max(ended_at) as watermark_at
from {{ ref('session_rollups') }}
