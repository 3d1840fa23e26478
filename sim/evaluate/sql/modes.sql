-- One row per mode of traffic, from the views of trips.sql and the tables `classes` (type, class: SUMO's vClass),
-- `occupancy` (mode, persons), `stages` (persons.parquet), `conflicts`, `braking`, `crossings` and `stood` (type,
-- seconds), which are empty where nothing was recorded. Needs mode_of.sql. Times [s], lengths [km].
-- SUMO calls a type that it made for one vehicle "type@vehicle".
CREATE OR REPLACE TEMP VIEW type_modes AS SELECT type, mode_of(class) AS mode FROM classes;
CREATE OR REPLACE TEMP TABLE vehicles AS
    SELECT trips.*, coalesce(type_modes.mode, 'car') AS mode
    FROM trips
    LEFT JOIN type_modes ON type_modes.type = split_part(trips.type, '@', 1);
-- A walk that has not ended has no loss in SUMO's file: what the person has stood so far stands for it.
CREATE OR REPLACE TEMP TABLE walkers AS
    SELECT
        id,
        'pedestrian' AS mode,
        bool_and(coalesce(arrival, 0) >= 0) AS arrived,
        sum(if(arrival >= 0, time_loss, waiting_time) ORDER BY stage) FILTER (kind = 'walk') AS delay,
        sum(waiting_time ORDER BY stage) FILTER (kind = 'walk') AS waiting,
        sum(greatest(route_length, 0) ORDER BY stage) FILTER (kind = 'walk') AS length
    FROM stages
    WHERE person_depart >= getvariable('window_begin') AND person_depart < getvariable('window_end')
    GROUP BY id
    HAVING count(*) FILTER (kind = 'walk' AND duration >= 0) > 0;
CREATE OR REPLACE TEMP TABLE modes AS
WITH travellers AS (
    SELECT
        mode,
        count(*) AS scheduled,
        count(*) FILTER (state = 'arrived') AS arrived,
        count(*) FILTER (state = 'running') AS running,
        count(*) FILTER (state = 'undeparted') AS undeparted,
        avg(delay ORDER BY position) AS delay,
        avg(waiting_count ORDER BY position) FILTER (departed) AS stops,
        avg(waiting_time ORDER BY position) FILTER (departed) AS waiting,
        coalesce(sum(route_length ORDER BY position) FILTER (departed), 0) / 1000 AS distance
    FROM vehicles
    GROUP BY mode
    UNION ALL
    SELECT
        mode,
        count(*),
        count(*) FILTER (arrived),
        count(*) FILTER (NOT arrived),
        0,
        avg(delay ORDER BY id),
        NULL,
        avg(waiting ORDER BY id),
        sum(length ORDER BY id) / 1000
    FROM walkers
    GROUP BY mode
),
longest AS (
    SELECT coalesce(mode, 'car') AS mode, max(seconds) AS seconds
    FROM stood LEFT JOIN type_modes ON type_modes.type = split_part(stood.type, '@', 1)
    GROUP BY ALL
    UNION ALL
    SELECT 'pedestrian', max(wait) FROM crossings HAVING count(*) > 0
),
involved AS (
    SELECT coalesce(mode, 'car') AS mode, count(*) AS number
    FROM (
        SELECT ego_type AS type FROM conflicts
        UNION ALL
        SELECT foe_type FROM conflicts
    ) AS met
    LEFT JOIN type_modes ON type_modes.type = split_part(met.type, '@', 1)
    GROUP BY ALL
),
brakes AS (
    SELECT coalesce(mode, 'car') AS mode, count(*) AS number
    FROM braking LEFT JOIN type_modes ON type_modes.type = split_part(braking.type, '@', 1)
    GROUP BY ALL
)
SELECT
    travellers.*,
    longest.seconds AS longest_wait,
    coalesce(occupancy.persons, 1) AS occupancy,
    scheduled * coalesce(occupancy.persons, 1) AS persons,
    if(getvariable('safety'), coalesce(involved.number, 0), NULL) AS conflicts,
    if(getvariable('safety'), coalesce(brakes.number, 0), NULL) AS hard_braking
FROM travellers
LEFT JOIN longest USING (mode)
LEFT JOIN occupancy USING (mode)
LEFT JOIN involved USING (mode)
LEFT JOIN brakes USING (mode)
ORDER BY list_position(['car', 'truck', 'bus', 'tram', 'bicycle', 'pedestrian', 'emergency'], mode);
