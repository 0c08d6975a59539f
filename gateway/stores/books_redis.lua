-- One exchange of a worker with its books: see gateway/limits/accounts.py, whose arithmetic this is.
-- All keys begin with the same hash tag, so that a cluster keeps them on one node. Numbers are whole and below 2^53.
local said = cjson.decode(ARGV[1])
local tag, worker, workers = said.tag, said.worker, KEYS[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6

local function whole(number)
  return string.format('%.0f', number + 0) -- never "-0"
end

local function number(text)
  return tonumber(text or '0') or 0
end

-- What was sent before something newer arrived is void.
local last = tag .. ':last:' .. worker
if number(redis.call('GET', last)) >= said.number then
  return {'stale'}
end
redis.call('SET', last, whole(said.number), 'EX', 86400)

-- Books that were lost grant nothing until all who are alive have told theirs again.
local born = redis.call('GET', tag .. ':born')
if not born then
  born = said.birth .. '@' .. whole(math.floor(now) + (said.known ~= '' and said.grace_s or 0))
  redis.call('SET', tag .. ':born', born)
end
local is_open = now >= tonumber(string.match(born, '@(%d+)$'))

-- What a lost worker held may be spent.
local places = tag .. ':places:'
redis.call('ZADD', workers, now + said.lease_s, worker)
for _, other in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now)) do
  for _, place in ipairs(redis.call('SMEMBERS', places .. other)) do
    local held = number(redis.call('HGET', place, 'held:' .. other))
    if held > 0 then
      redis.call('HINCRBY', place, 'held', whole(-held))
      redis.call('HINCRBY', place, 'lost', whole(held))
      redis.call('HINCRBY', place, 'lost:' .. other, whole(held))
      redis.call('HSET', place, 'held:' .. other, '0')
    end
  end
  redis.call('DEL', places .. other)
  redis.call('ZREM', workers, other)
end

local function place_of(entry, period)
  return tag .. ':' .. entry.account .. ':' .. whole(period)
end

local function counted(entry)
  local spent, held = 0, 0
  for period = entry.first, entry.last, entry.step do
    local sums = redis.call('HMGET', place_of(entry, period), 'spent', 'lost', 'held')
    spent = spent + number(sums[1]) + number(sums[2])
    held = held + number(sums[3])
  end
  return spent, held
end

local before = {}
for at, entry in ipairs(said.entries) do
  before[at] = whole((counted(entry)))
end
for _, entry in ipairs(said.entries) do
  local place = place_of(entry, entry.period)
  local part = redis.call('HMGET', place, 'spent:' .. worker, 'held:' .. worker, 'lost:' .. worker)
  redis.call('HINCRBY', place, 'spent', whole(entry.spent - number(part[1])))
  redis.call('HINCRBY', place, 'held', whole(entry.held - number(part[2])))
  redis.call('HINCRBY', place, 'lost', whole(-number(part[3])))
  redis.call('HSET', place, 'spent:' .. worker, whole(entry.spent), 'held:' .. worker, whole(entry.held),
    'lost:' .. worker, '0')
  redis.call('EXPIRE', place, whole(entry.keep_s))
  redis.call('SADD', places .. worker, place)
end

local function slack(free, amount)
  local share = math.floor(free / said.roomy)
  return share >= amount and math.min(share, said.roomy * amount) or 0
end

local function grant(ask)
  local amount, free = ask.amount, {}
  for at, where in ipairs(ask.entries) do
    local entry = said.entries[where + 1]
    local spent, held = counted(entry)
    free[at] = entry.limit - spent - held + entry.idle
    amount = math.min(amount, free[at])
  end
  if not is_open or amount < ask.least then
    return {}
  end
  local granted = {}
  for at, where in ipairs(ask.entries) do
    local entry = said.entries[where + 1]
    local more = math.max(0, amount - entry.idle) + slack(free[at] - math.max(amount, entry.idle), amount)
    local place = place_of(entry, entry.period)
    redis.call('HINCRBY', place, 'held', whole(more))
    redis.call('HINCRBY', place, 'held:' .. worker, whole(more))
    granted[at] = whole(more)
  end
  return granted
end

local grants, standings = {}, {}
for at, ask in ipairs(said.asks) do
  grants[at] = grant(ask)
end
for at, entry in ipairs(said.entries) do
  local spent, held = counted(entry)
  standings[at] = {before[at], whole(spent), whole(held)}
end
return {born, is_open and 1 or 0, standings, grants}
