-- One row per vehicle scheduled in [begin, end) [s]; everybody counts, also who never got in.
-- SUMO writes depart = -1 for a vehicle that was never inserted and then gives as departDelay what had passed
-- since its scheduled time when SUMO closed (stopped_at). Rounding to SUMO's own millisecond keeps
-- 25200.30 - 0.30 on the right side of the window's edge.
CREATE OR REPLACE TEMP VIEW trips AS
WITH timed AS (
    SELECT
        *,
        file_row_number AS position,
        round(if(depart < 0, getvariable('stopped_at'), depart) - depart_delay, 3) AS scheduled,
        CASE WHEN depart < 0 THEN 'undeparted' WHEN arrival < 0 THEN 'running' ELSE 'arrived' END AS state
    FROM read_parquet(getvariable('tripinfo'), file_row_number = true)
)
SELECT
    *,
    state <> 'undeparted' AS departed,
    if(state = 'undeparted', getvariable('window_end') - scheduled, time_loss + depart_delay) AS delay
FROM timed
WHERE scheduled >= getvariable('window_begin') AND scheduled < getvariable('window_end');
