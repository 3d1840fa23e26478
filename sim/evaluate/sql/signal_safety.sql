-- One row per signal with its figures of safety, from the tables of sim.observe.tables.OBSERVED, each with a column
-- run_key, and from `types` (run_key, type, class: SUMO's vClass): of one run, or of all runs of a cell taken together. Rates
-- per vehicle that crossed a stop line of the signal. involved_MODE: how often one of the mode took part in a conflict, per
-- one that crossed a stop line, or came to a crossing on foot. Needs mode_of.sql.
WITH met AS (
    SELECT
        signal,
        count(*) AS conflicts,
        count(*) FILTER (kind = 'rear-end') AS rear_end,
        count(*) FILTER (kind = 'lane-change') AS lane_change,
        count(*) FILTER (kind = 'crossing') AS crossing,
        count(*) FILTER (kind = 'pedestrian') AS pedestrian
    FROM conflicts JOIN wanted USING (run_key)
    GROUP BY signal
),
braked AS (SELECT signal, count(*) AS number FROM braking JOIN wanted USING (run_key) GROUP BY signal),
lines AS (
    SELECT signal, sum(crossed) AS crossed, sum(yellow) AS yellow, sum(late_yellow) AS late_yellow, sum(red) AS red
    FROM stop_lines JOIN wanted USING (run_key)
    GROUP BY signal
),
walked AS (
    SELECT signal, count(*) AS walkers, avg(wait ORDER BY run_key, began, person) AS mean, max(wait) AS longest
    FROM crossings JOIN wanted USING (run_key)
    GROUP BY signal
),
runs AS (SELECT count(*) AS number FROM wanted),
type_modes AS (SELECT run_key, type, mode_of(class) AS mode FROM types),
involved AS (
    SELECT signal, coalesce(mode, 'car') AS mode, count(*) AS number
    FROM (
        SELECT run_key, signal, split_part(ego_type, '@', 1) AS type FROM conflicts
        UNION ALL
        SELECT run_key, signal, split_part(foe_type, '@', 1) FROM conflicts
    ) AS part
    JOIN wanted USING (run_key)
    LEFT JOIN type_modes USING (run_key, type)
    GROUP BY ALL
),
passed AS (
    SELECT signal, coalesce(mode, 'car') AS mode, sum(crossed) AS number
    FROM (SELECT run_key, signal, split_part(type, '@', 1) AS type, crossed FROM stop_lines) AS over
    JOIN wanted USING (run_key)
    LEFT JOIN type_modes USING (run_key, type)
    GROUP BY ALL
    UNION ALL
    SELECT signal, 'pedestrian', walkers FROM walked
),
shares AS (
    SELECT signal, mode, coalesce(involved.number, 0) / nullif(passed.number, 0) AS rate
    FROM passed LEFT JOIN involved USING (signal, mode)
),
modes AS (
    SELECT
        signal,
        max(rate) FILTER (mode = 'car') AS involved_car,
        max(rate) FILTER (mode = 'truck') AS involved_truck,
        max(rate) FILTER (mode = 'bus') AS involved_bus,
        max(rate) FILTER (mode = 'tram') AS involved_tram,
        max(rate) FILTER (mode = 'bicycle') AS involved_bicycle,
        max(rate) FILTER (mode = 'pedestrian') AS involved_pedestrian,
        max(rate) FILTER (mode = 'emergency') AS involved_emergency
    FROM shares
    GROUP BY signal
),
signals AS (
    SELECT signal FROM lines UNION SELECT signal FROM walked UNION SELECT signal FROM met UNION SELECT signal FROM braked
)
SELECT
    signals.signal,
    coalesce(lines.crossed, 0) / runs.number AS crossed,
    coalesce(met.conflicts, 0) / nullif(lines.crossed, 0) AS conflicts,
    coalesce(met.rear_end, 0) / nullif(lines.crossed, 0) AS conflicts_rear_end,
    coalesce(met.lane_change, 0) / nullif(lines.crossed, 0) AS conflicts_lane_change,
    coalesce(met.crossing, 0) / nullif(lines.crossed, 0) AS conflicts_crossing,
    coalesce(met.pedestrian, 0) / nullif(lines.crossed, 0) AS conflicts_pedestrian,
    coalesce(braked.number, 0) / nullif(lines.crossed, 0) AS hard_braking,
    1000.0 * lines.yellow / nullif(lines.crossed, 0) AS yellow,
    1000.0 * lines.late_yellow / nullif(lines.crossed, 0) AS late_yellow,
    1000.0 * lines.red / nullif(lines.crossed, 0) AS red_running,
    coalesce(walked.walkers, 0) / runs.number AS walkers,
    walked.mean AS pedestrian_wait,
    walked.longest AS pedestrian_longest_wait,
    modes.* EXCLUDE (signal)
FROM signals
CROSS JOIN runs
LEFT JOIN lines USING (signal)
LEFT JOIN met USING (signal)
LEFT JOIN braked USING (signal)
LEFT JOIN walked USING (signal)
LEFT JOIN modes USING (signal)
WHERE signals.signal IS NOT NULL
ORDER BY met.conflicts DESC NULLS LAST, signals.signal;
