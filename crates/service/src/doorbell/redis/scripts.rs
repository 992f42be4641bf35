//! What is done in Redis itself, so that it is one round trip and nothing can come between.
//!
//! They write what apalis-redis 1.0.0's own scripts write and read (`batch_push.lua`, `fetch_next.lua`,
//! `handle_results.lua`); the tests run them against its worker.

use std::sync::LazyLock;

use redis::Script;

/// Pushes all ids or none, and announces it. apalis's own push has no bound, and goes through a sorted set
/// whose length must stay below 8,000.
/// KEYS: active, scheduled, data, meta. ARGV: capacity, channel, then id and envelope in turns.
/// Returns whether it was pushed, and the depth.
pub(super) static PUSH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r#"
local depth = redis.call("llen", KEYS[1]) + redis.call("zcard", KEYS[2])
local count = (#ARGV - 2) / 2
if depth + count > tonumber(ARGV[1]) then
    return {0, depth}
end
for i = 3, #ARGV, 2 do
    redis.call("hset", KEYS[3], ARGV[i], ARGV[i + 1])
    redis.call("hset", KEYS[4] .. ":" .. ARGV[i], "attempts", 0, "max_attempts", 1, "status", "Pending")
    redis.call("rpush", KEYS[1], ARGV[i])
end
redis.call("publish", ARGV[2], count)
return {1, depth + count}
"#,
    )
});

/// Forgets some of the ids that are done or given up: apalis never does.
/// KEYS: done, dead, data, meta. ARGV: how many. Returns how many.
pub(super) static PURGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r#"
local purged = 0
for i = 1, 2 do
    local ids = redis.call("spop", KEYS[i], ARGV[1])
    for _, id in ipairs(ids) do
        redis.call("hdel", KEYS[3], id)
        redis.call("del", KEYS[4] .. ":" .. id)
    end
    purged = purged + #ids
end
return purged
"#,
    )
});

/// A worker is gone: what it had fetched and not finished waits again. Ids without an envelope, or that are
/// none of ours, are dropped here, because a fetch that meets one ends the worker; the others get a fresh
/// description for the same reason.
/// KEYS: inflight of the worker, active, data, meta, workers, description of the worker.
/// ARGV: worker, channel. Returns how many wait again.
pub(super) static HAND_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r#"
local back = 0
for _, id in ipairs(redis.call("smembers", KEYS[1])) do
    local meta = KEYS[4] .. ":" .. id
    redis.call("del", meta)
    if redis.call("hexists", KEYS[3], id) == 1 and string.find(id, "^[%w%-]+$") then
        redis.call("hset", meta, "attempts", 0, "max_attempts", 1, "status", "Pending")
        redis.call("rpush", KEYS[2], id)
        back = back + 1
    else
        redis.call("hdel", KEYS[3], id)
    end
end
redis.call("del", KEYS[1], KEYS[6])
redis.call("zrem", KEYS[5], ARGV[1])
if back > 0 then
    redis.call("publish", ARGV[2], back)
end
return back
"#,
    )
});

/// Forgets some of the waiting ids. KEYS: active, scheduled, data, meta. ARGV: how many. Returns how many.
pub(super) static CLEAR: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r#"
local ids = redis.call("lrange", KEYS[1], 0, ARGV[1] - 1)
redis.call("ltrim", KEYS[1], #ids, -1)
local later = redis.call("zrange", KEYS[2], 0, ARGV[1] - 1)
redis.call("zremrangebyrank", KEYS[2], 0, #later - 1)
for _, id in ipairs(later) do
    ids[#ids + 1] = id
end
for _, id in ipairs(ids) do
    redis.call("hdel", KEYS[3], id)
    redis.call("del", KEYS[4] .. ":" .. id)
end
return #ids
"#,
    )
});

/// Whether the queue takes writes: full, read-only or without its replicas, it would answer questions all the same.
/// KEYS: ready.
pub(super) static READY: LazyLock<Script> =
    LazyLock::new(|| Script::new(r#"redis.call("set", KEYS[1], 1, "EX", 60) return 1"#));

/// Counts. KEYS: active, scheduled, workers, done. ARGV: beginning of the inflight sets.
/// Returns waiting, in flight, workers, done and not yet forgotten.
pub(super) static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r#"
local inflight = 0
local workers = redis.call("zrange", KEYS[3], 0, -1)
for _, worker in ipairs(workers) do
    inflight = inflight + redis.call("scard", ARGV[1] .. ":" .. worker)
end
local waiting = redis.call("llen", KEYS[1]) + redis.call("zcard", KEYS[2])
return {waiting, inflight, #workers, redis.call("scard", KEYS[4])}
"#,
    )
});
