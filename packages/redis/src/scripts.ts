import { createHash } from 'node:crypto'

/** A script, which runs on the server with nothing in between. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/**
 * KEYS: checkpoints, documents, keys, lists, parked, then the lists that are changed. ARGV: name of the checkpoint, from, to, how many documents; then six for each
 * document: key, revision before, content or '', place in KEYS of its list before and after or 0, its place there; then three for each document that is parked or goes
 * on: key, revision before, content or ''. Looks at everything before it writes anything.
 */
export const WRITE = script(`
if (redis.call('HGET', KEYS[1], ARGV[1]) or '0') ~= ARGV[2] then return 0 end
local function isAt(hash, key, revision)
  local stored = redis.call('HGET', hash, key)
  return (stored and string.match(stored, '^%d+') or '0') == revision
end
local parked = 5 + 6 * tonumber(ARGV[4])
for i = 5, parked - 1, 6 do
  if not isAt(KEYS[2], ARGV[i], ARGV[i + 1]) then return 0 end
end
for i = parked, #ARGV, 3 do
  if not isAt(KEYS[5], ARGV[i], ARGV[i + 1]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for i = 6, #KEYS do redis.call('SADD', KEYS[4], KEYS[i]) end
for i = 5, parked - 1, 6 do
  local key, content, before, after = ARGV[i], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  if content == '' then
    redis.call('HDEL', KEYS[2], key)
    redis.call('ZREM', KEYS[3], key)
  else
    redis.call('HSET', KEYS[2], key, content)
    redis.call('ZADD', KEYS[3], 0, key)
  end
  if before > 0 and before ~= after then redis.call('ZREM', KEYS[before], key) end
  if after > 0 then redis.call('ZADD', KEYS[after], ARGV[i + 5], key) end
end
for i = parked, #ARGV, 3 do
  if ARGV[i + 2] == '' then redis.call('HDEL', KEYS[5], ARGV[i]) else redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 2]) end
end
return 1`)

/** KEYS: versions, checkpoints of the old version and of the new one, what is parked in the old one and in the new one. ARGV: from, to, '1' to switch even if behind. */
export const MAKE_LIVE = script(`
if (redis.call('HGET', KEYS[1], 'live') or '0') ~= ARGV[1] then return 'moved' end
local function firstWaiting(stored)
  return cjson.decode(string.sub(stored, string.find(stored, '{', 1, true), -1)).waiting[1]
end
if ARGV[3] ~= '1' then
  local old = redis.call('HGETALL', KEYS[2])
  for i = 1, #old, 2 do
    local new = redis.call('HGET', KEYS[3], old[i]) or '0'
    if tonumber(old[i + 1]) > tonumber(new) then return 'behind' end
  end
  local parked = redis.call('HGETALL', KEYS[5])
  for i = 1, #parked, 2 do
    local before = redis.call('HGET', KEYS[4], parked[i])
    if not before or firstWaiting(parked[i + 1]) < firstWaiting(before) then return 'parked' end
  end
end
redis.call('HSET', KEYS[1], 'live', ARGV[2], 'previous', ARGV[1])
return 'switched'`)

/** KEYS: versions. ARGV: what the names of a version's keys begin with, key. The other key lies in the same slot. */
export const FIND = script(`
local live = redis.call('HGET', KEYS[1], 'live') or '0'
return { live, redis.call('HGET', ARGV[1] .. live .. ':documents', ARGV[2]) or '' }`)

/** KEYS: versions. ARGV: what the names of a version's keys begin with, the list's name behind it, first place, last place. */
export const LIST = script(`
local live = redis.call('HGET', KEYS[1], 'live') or '0'
local list = ARGV[1] .. live .. ARGV[2]
local answer = { live, tostring(redis.call('ZCARD', list)) }
for _, key in ipairs(redis.call('ZREVRANGE', list, ARGV[3], ARGV[4])) do
  answer[#answer + 1] = key
  answer[#answer + 1] = redis.call('HGET', ARGV[1] .. live .. ':documents', key)
end
return answer`)

/** KEYS: versions, lists, then what else is to go. ARGV: version. */
export const REMOVE = script(`
if (redis.call('HGET', KEYS[1], 'live') or '0') == ARGV[1] then return 0 end
if redis.call('HGET', KEYS[1], 'previous') == ARGV[1] then redis.call('HSET', KEYS[1], 'previous', '0') end
for _, list in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.call('UNLINK', list) end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1`)
