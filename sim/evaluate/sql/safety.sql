-- The figures of safety of one run, from the tables of modes.sql. Rates per vehicle that entered the network, so that
-- they compare between controllers and demands; all NULL where nothing was recorded.
WITH driven AS (SELECT nullif(count(*) FILTER (departed), 0) AS number FROM trips),
lines AS (SELECT nullif(sum(crossed), 0) AS crossed, sum(late_yellow) AS late_yellow, sum(red) AS red FROM stop_lines)
SELECT
    count(conflicts.kind) / driven.number AS conflicts,
    count(*) FILTER (kind = 'rear-end') / driven.number AS conflicts_rear_end,
    count(*) FILTER (kind = 'lane-change') / driven.number AS conflicts_lane_change,
    count(*) FILTER (kind = 'crossing') / driven.number AS conflicts_crossing,
    count(*) FILTER (kind = 'pedestrian') / driven.number AS conflicts_pedestrian,
    (SELECT count(*) FROM braking) / driven.number AS hard_braking,
    1000.0 * lines.late_yellow / lines.crossed AS late_yellow,
    1000.0 * lines.red / lines.crossed AS red_running,
    (SELECT avg(wait ORDER BY began, person) FROM crossings WHERE signal IS NOT NULL) AS pedestrian_wait,
    (SELECT max(wait) FROM crossings WHERE signal IS NOT NULL) AS pedestrian_longest_wait
FROM driven
CROSS JOIN lines
LEFT JOIN conflicts ON true
GROUP BY driven.number, lines.crossed, lines.late_yellow, lines.red;
