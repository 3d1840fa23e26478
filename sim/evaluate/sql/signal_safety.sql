-- One row per signal with its figures of safety, from the tables of sim.observe.tables.OBSERVED, each with a column
-- run_key: of one run, or of all runs of a cell taken together. Rates per vehicle that crossed a stop line of the signal.
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
    walked.longest AS pedestrian_longest_wait
FROM signals
CROSS JOIN runs
LEFT JOIN lines USING (signal)
LEFT JOIN met USING (signal)
LEFT JOIN braked USING (signal)
LEFT JOIN walked USING (signal)
WHERE signals.signal IS NOT NULL
ORDER BY met.conflicts DESC NULLS LAST, signals.signal;
