-- Commands that take effect once: fingerprint and result by key, in two generations of a day each,
-- so that a key is remembered for 24 to 48 hours. Needs shard.lua and K.idem0, K.idem1.
local KEY_CONFLICT = 'BILLING_KEY_CONFLICT'

-- The result stored for this key, KEY_CONFLICT when its body was another one, nil when it is new.
local function recall(field, fingerprint)
  local stored = redis.call('HGET', K.idem0, field) or redis.call('HGET', K.idem1, field)
  if not stored then
    return nil
  end
  local print, result = string.match(stored, '^(%S+) (.*)$')
  return print == fingerprint and result or KEY_CONFLICT
end

-- After commit(). A failure is remembered as well: the same key fails the same way.
local function remember(field, fingerprint, result)
  local day = math.floor(calendar(clk) / DAY_MS)
  local before = tonumber(meta[5] or '-9')
  local current, other = K.idem0, K.idem1
  if day % 2 == 1 then
    current, other = K.idem1, K.idem0
  end
  if before < day then
    redis.call('UNLINK', current)
    if before < day - 1 then
      redis.call('UNLINK', other)
    end
    redis.call('HSET', K.meta, 'idemDay', digits(day))
  end
  redis.call('HSET', current, field, fingerprint .. ' ' .. result)
end
