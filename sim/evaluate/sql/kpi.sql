-- The figures of one run, from the view of trips.sql. Times [s], speed [m/s], throughput [veh/h], emissions [g/veh].
-- Figures of driving (stops, waiting, speed, emissions) are means over the vehicles that entered the network:
-- one that never got in has not driven, and a zero from it would praise a blocked network.
WITH last_departure AS (
    -- RESCO takes the first vehicle of the file with the highest departure time.
    SELECT scheduled FROM trips WHERE departed ORDER BY depart DESC, position LIMIT 1
),
resco AS (
    -- RESCO's script: every vehicle that departed, with its loss so far; then, as "never departed", every
    -- <vehicle> of the demand scheduled later than the last one that departed (docs/metrics.md tells the holes).
    SELECT time_loss + depart_delay AS delay FROM trips WHERE departed
    UNION ALL
    SELECT getvariable('window_end') - trips.scheduled
    FROM trips, last_departure
    WHERE getvariable('vehicles_in_demand') AND trips.scheduled > last_departure.scheduled
)
SELECT
    avg(delay ORDER BY position) AS delay,
    (SELECT avg(delay ORDER BY delay) FROM resco) AS resco_delay,
    avg(waiting_count ORDER BY position) FILTER (departed) AS stops,
    avg(waiting_time ORDER BY position) FILTER (departed) AS waiting,
    sum(route_length ORDER BY position) FILTER (departed)
        / nullif(sum(duration - stop_time ORDER BY position) FILTER (departed), 0) AS mean_speed,
    count(*) AS scheduled,
    count(*) FILTER (state = 'arrived') AS arrived,
    count(*) FILTER (state = 'running') AS running,
    count(*) FILTER (state = 'undeparted') AS undeparted,
    count(*) FILTER (state = 'arrived') * 3600.0 / (getvariable('window_end') - getvariable('window_begin')) AS throughput,
    avg(co2 ORDER BY position) FILTER (departed) / 1000 AS co2,
    avg(fuel ORDER BY position) FILTER (departed) / 1000 AS fuel,
    avg(nox ORDER BY position) FILTER (departed) / 1000 AS nox,
    avg(pmx ORDER BY position) FILTER (departed) / 1000 AS pmx
FROM trips;
