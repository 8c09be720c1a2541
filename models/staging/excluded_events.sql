{{ accepted_events(['user_id', 'event_type', 'event_time', 'file_id'], 'not ' ~ user_counts()) }}
