-- One row per scenario x controller x scale over its seeds, from the table of results.sql.
-- Runs of different scenario content or software never share a row, whatever they are called.
SELECT
    scenario,
    controller,
    scale,
    count(*) AS runs,
    count(*) FILTER (status = 'done') AS done,
    count(*) FILTER (status <> 'done') AS failed,
    count(*) FILTER (gridlock) AS gridlocks,
    avg(delay ORDER BY seed) AS delay,
    stddev_samp(delay ORDER BY seed) AS delay_sd,
    max(delay) AS delay_worst,
    avg(floor ORDER BY seed) AS floor,
    avg(control_delay ORDER BY seed) AS control_delay,
    avg(resco_delay ORDER BY seed) AS resco_delay,
    avg(stops ORDER BY seed) AS stops,
    avg(waiting ORDER BY seed) AS waiting,
    max(longest_wait) AS longest_wait,
    avg(mean_speed ORDER BY seed) AS mean_speed,
    avg(scheduled ORDER BY seed) AS scheduled,
    avg(throughput ORDER BY seed) AS throughput,
    avg(undeparted ORDER BY seed) AS undeparted,
    avg(co2 ORDER BY seed) AS co2,
    avg(fuel ORDER BY seed) AS fuel,
    avg(nox ORDER BY seed) AS nox,
    avg(pmx ORDER BY seed) AS pmx,
    avg(wall_seconds ORDER BY seed) AS wall_seconds,
    avg(control_seconds ORDER BY seed) AS control_seconds,
    max(peak_rss_mib) AS peak_rss_mib,
    sumo_version,
    package_version,
    controller_id,
    controller_spec,
    scenario_key
FROM results
GROUP BY scenario, scenario_key, sumo_version, package_version, controller, controller_id, controller_spec, scale
ORDER BY scenario, scenario_key, package_version, sumo_version, scale, controller, controller_spec;
