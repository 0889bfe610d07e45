import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sentence, traceVerdict } from 'seaworthy/trace-analysis'
import { type SpanSpec, call, entry, query, spansOf } from './verdict-fixture.ts'

const said = (...roots: readonly SpanSpec[]) => sentence(traceVerdict(spansOf(...roots))!.answer)

/** A checkout of 1,000 ms, of which one span in inventory takes 920. */
const checkout = (within: SpanSpec): SpanSpec =>
  entry({
    id: 'root',
    name: 'POST /api/checkout',
    from: 0,
    to: 1_000,
    children: [
      call({
        id: 'call',
        networkMs: 5,
        to: entry({ id: 'served', name: 'inventory.v1/Reserve', service: 'inventory', from: 40, to: 960, children: [within] }),
      }),
    ],
  })
const statement = (facts: Readonly<Record<string, string | number>>) =>
  query({ id: 'q', name: 'UPDATE stock', from: 40, to: 960, facts: { 'seaworthy.time.execute_ms': 0, ...facts } })
const lockedBy = (holder: Readonly<Record<string, string | number>>) =>
  said(
    checkout(
      statement({
        'seaworthy.time.lock_wait_ms': 920,
        ...Object.fromEntries(Object.entries(holder).map(([name, value]) => [`seaworthy.lock.${name}`, value])),
      }),
    ),
  )

suite('a verdict in one sentence', () => {
  test('names who holds a lock, its trace, and what it does meanwhile', () => {
    assert.equal(
      lockedBy({
        'blocker.service': 'nightly-recount',
        'blocker.trace_id': '4bf92f3577b34da6a3ce929d0e0e4736',
        'blocker.state': 'idle in transaction',
        'blocker.idle_ms': 1_612,
        chain_length: 1,
      }),
      '92 % of this checkout is inventory waiting for a lock held by nightly-recount (trace 4bf92f35…), idle in transaction for 1.6 s.',
    )
    assert.equal(
      lockedBy({
        'blocker.service': 'reports',
        'blocker.state': 'active',
        'blocker.statement': 'SELECT * FROM stock\n  FOR UPDATE',
        chain_length: 2,
      }),
      '92 % of this checkout is inventory waiting for a lock held by reports at the root of a chain of 2, at work on "SELECT * FROM stock FOR UPDATE".',
    )
    assert.equal(
      lockedBy({ 'blocker.pid': 4_711, 'blocker.state': 'waiting' }),
      '92 % of this checkout is inventory waiting for a lock held by process 4711 of the database, which waits itself.',
    )
    assert.equal(lockedBy({}), '92 % of this checkout is inventory waiting for a lock in its database; who held it is not known.')
  })

  test('has words for each cause', () => {
    assert.equal(
      said(checkout(statement({ 'seaworthy.time.pool_wait_ms': 920 }))),
      '92 % of this checkout is inventory waiting for a free database connection: its pool is too small, or transactions keep connections for too long.',
    )
    assert.equal(
      said(checkout(statement({ 'seaworthy.time.pool_wait_ms': 920, 'db.system.name': 'sqlite' }))),
      '92 % of this checkout is inventory waiting for its turn to write to SQLite: another transaction of its own is long.',
    )
    const holder = {
      'seaworthy.lock.blocker.service': 'inventory',
      'seaworthy.lock.blocker.trace_id': '4bf92f3577b34da6a3ce929d0e0e4736',
      'seaworthy.lock.blocker.state': 'idle in transaction',
      'seaworthy.lock.blocker.idle_ms': 900,
    }
    assert.equal(
      said(checkout(statement({ 'seaworthy.time.pool_wait_ms': 920, 'db.system.name': 'sqlite', ...holder }))),
      "92 % of this checkout is inventory waiting for SQLite's write lock, held by another transaction of its own (trace 4bf92f35…), idle in transaction for 900 ms.",
    )
    // Elsewhere a span that waited for a connection names who held its lock, and that is another wait.
    assert.match(said(checkout(statement({ 'seaworthy.time.pool_wait_ms': 920, ...holder }))), /a free database connection/)
    assert.equal(
      said(checkout(statement({ 'seaworthy.time.execute_ms': 920 }))),
      '92 % of this checkout is inventory waiting for its database to answer UPDATE stock.',
    )
    assert.equal(
      said(checkout(statement({ 'seaworthy.time.execute_ms': 920, 'db.query.text': 'SELECT *\n FROM stock' }))),
      '92 % of this checkout is inventory waiting for its database to answer "SELECT * FROM stock".',
    )
    const busy = (facts: Readonly<Record<string, number>>) =>
      said(checkout(entry({ id: 'work', name: 'price basket', from: 40, to: 960, facts })))
    assert.equal(busy({ 'seaworthy.time.cpu_ms': 920 }), '92 % of this checkout is inventory computing, its CPU busy in price basket.')
    assert.equal(
      busy({ 'seaworthy.time.loop_blocked_ms': 920 }),
      '92 % of this checkout is inventory standing still: a synchronous call held its event loop, with the CPU idle, in price basket.',
    )
    assert.equal(
      busy({}),
      '92 % of this checkout is inventory waiting in its own code, in price basket, for something that no span covers: a timer, a file, a callee without traces; another 7 % is orders waiting.'.replace(
        /; another.*/,
        '.',
      ),
    )
    assert.equal(
      busy({ 'seaworthy.time.admission_wait_ms': 920 }),
      '92 % of this checkout is inventory holding price basket back at a bulkhead, a limiter or a gateway.',
    )
    assert.equal(
      said(checkout({ id: 'x', kind: 'client', name: 'POST', from: 40, to: 960, facts: { 'server.address': 'cards.test' } })),
      '92 % of this checkout is inventory waiting for cards.test, which sends no spans.',
    )
    assert.equal(
      said(call({ id: 'POST /api/checkout', networkMs: 400, to: entry({ id: 's', service: 'inventory', from: 400, to: 600 }) })),
      '80 % of this checkout is the network between orders and inventory, or inventory not taking the call up; another 20 % is inventory waiting in its own code, in s, for something that no span covers: a timer, a file, a callee without traces.',
    )
    assert.equal(
      said({ id: 'a', name: 'GET /x', kind: 'server', from: 0, to: 10 }),
      '100 % of GET /x is time in orders, in GET /x, that nobody recorded: it states no facts about its CPU and its event loop.',
    )
  })

  test('says so when a request had to wait for what its process did for others', () => {
    const behind = (cpuMs: number, own: boolean) =>
      said(checkout(entry({ id: 'work', name: 'price basket', from: 40, to: 960, stretches: [{ at: 40, ms: 920, cpuMs, own }] })))
    assert.equal(
      behind(920, false),
      '92 % of this checkout is inventory computing for other requests, behind which price basket had to wait.',
    )
    assert.equal(
      behind(0, false),
      '92 % of this checkout is inventory standing still: a synchronous call of another request held its event loop, with the CPU idle, and price basket had to wait.',
    )
    assert.equal(behind(920, true), '92 % of this checkout is inventory computing, its CPU busy in price basket.')
  })

  test('says where a message lay', () => {
    const sent = (facts: Readonly<Record<string, string | number>>): SpanSpec => ({
      id: 'p',
      kind: 'producer',
      name: 'orders publish',
      from: 5,
      to: 100,
      facts: { 'messaging.destination.name': 'orders', ...facts },
      children: [
        {
          ...entry({ id: 'h', service: 'mail', from: 900, to: 1_000, facts: { 'messaging.destination.name': 'orders' } }),
          kind: 'consumer',
        },
      ],
    })
    const whole = (facts: Readonly<Record<string, string | number>>) =>
      sentence(traceVerdict(spansOf(entry({ id: 'POST /api/checkout', from: 0, to: 100, children: [sent(facts)] })))!.whole!)
    assert.match(whole({}), /^80 % of this checkout is a message lying in "orders" until mail reads it\.$/)
    assert.match(
      said(sent({ 'seaworthy.outbox.wait_ms': 95 })),
      /^100 % of orders publish is a message lying in the outbox of orders for "orders"\.$/,
    )
  })

  test('names the second of a pair', () => {
    const facts = { 'seaworthy.time.pool_wait_ms': 400, 'seaworthy.time.execute_ms': 520 }
    assert.equal(
      said(checkout(statement(facts))),
      '52 % of this checkout is inventory waiting for its database to answer UPDATE stock; another 40 % is inventory waiting for a free database connection: its pool is too small, or transactions keep connections for too long.',
    )
  })

  test('finds the same question asked again and again', () => {
    const children = Array.from({ length: 40 }, (_, index) =>
      query({
        id: `q${index}`,
        name: 'SELECT stock',
        from: 100 + index * 20,
        to: 118 + index * 20,
        facts: { 'seaworthy.time.execute_ms': 17 },
      }),
    )
    assert.equal(
      said(entry({ id: 'root', name: 'GET /api/basket/:id', from: 0, to: 1_000, children })),
      '72 % of GET /api/basket/:id is orders asking its database for SELECT stock 40 times, one after another; another 28 % is orders waiting in its own code, in GET /api/basket/:id, for something that no span covers: a timer, a file, a callee without traces.',
    )
    const calls = Array.from({ length: 40 }, (_, index) =>
      call({
        id: `c${index}`,
        networkMs: 2,
        to: entry({ id: `s${index}`, service: 'inventory', from: 102 + index * 20, to: 116 + index * 20 }),
      }),
    ).map((each) => ({ ...each, name: 'GetStock' }))
    assert.match(
      said(entry({ id: 'root', name: 'POST /api/checkout', from: 0, to: 1_000, children: calls })),
      /^72 % of this checkout is orders asking inventory for GetStock 40 times, one after another; another 28 % is orders waiting/,
    )
    const failing = calls.map((each) => ({ ...each, error: 'unavailable' }))
    assert.match(
      said(entry({ id: 'root', from: 0, to: 1_000, children: failing })),
      /GetStock 40 times, one after another, 40 of them without success; /,
    )
  })

  test('blames the lock, and not the number of those that wait for it', () => {
    const children = Array.from({ length: 8 }, (_, index) =>
      query({
        id: `q${index}`,
        name: 'UPDATE stock',
        from: index * 100,
        to: index * 100 + 100,
        facts: { 'seaworthy.time.lock_wait_ms': 95, 'seaworthy.time.execute_ms': 5 },
      }),
    )
    assert.match(
      said(entry({ id: 'root', name: 'POST /checkout', from: 0, to: 800, children })),
      /^95 % of this checkout is orders waiting for a lock/,
    )
  })

  test('says that nothing stands out where nothing does', () => {
    const facts = (name: string, ms: number) => ({ [`seaworthy.time.${name}_ms`]: ms, 'seaworthy.time.execute_ms': 0 })
    const children = ['pool_wait', 'lock_wait', 'execute'].map((name, index) =>
      query({ id: name, service: `s${index}`, from: index * 25, to: index * 25 + 25, facts: facts(name, 25) }),
    )
    assert.match(
      said(entry({ id: 'GET /', from: 0, to: 100, children, facts: { 'seaworthy.time.cpu_ms': 10 } })),
      /^Nothing stands out in GET \/: its largest single part, 25 %, is /,
    )
    assert.equal(said({ id: 'GET /', from: 5, to: 5 }), 'There is nothing to tell of GET /: it took no time.')
  })

  test('never says 100 % of less, nor 0 % of something', () => {
    const almost = query({ id: 'q', from: 0, to: 999, facts: { 'seaworthy.time.execute_ms': 999 } })
    assert.match(said(entry({ id: 'root', from: 0, to: 1_000, children: [almost] })), /^99 % /)
  })
})
