"""Rate limits in Redis, shared by all machines."""

from collections.abc import Sequence

from chatapi.bus.connection import Script

TAKE = Script("""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local slacks, arrivals, fits = {}, {}, true
for i, key in ipairs(KEYS) do
  local cost, depth = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local arrival = math.max(tonumber(redis.call('GET', key) or 0), now) + cost
  arrivals[i] = arrival
  slacks[i] = now - (arrival - depth)
  if slacks[i] < 0 then fits = false end
end
if fits then
  for i, key in ipairs(KEYS) do
    local lifetime = math.ceil((arrivals[i] - now) / 1000) + 1000
    redis.call('SET', key, string.format('%.0f', arrivals[i]), 'PX', lifetime)
  end
end
return slacks
""")

GIVE_BACK = Script("""
local arrival = tonumber(redis.call('GET', KEYS[1]) or 0)
if arrival > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', arrival - ARGV[1]), 'KEEPTTL')
end
""")


class RedisStore:
    """A `chatapi.limits.limiter.Store`; each operation is one atomic Lua script."""

    def take(self, keys: Sequence[str], buckets: Sequence[tuple[int, int]]) -> list[int]:
        slacks: list[int] = TAKE(keys, [number for bucket in buckets for number in bucket])
        return slacks

    def give_back(self, key: str, cost: int) -> None:
        GIVE_BACK([key], [cost])
