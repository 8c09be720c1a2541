select
    source_file,
    read_path,
    longest_line,
    error,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
        as landed_at
from {{ found_files() }} as found
