import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { suite, test } from 'node:test'
import { ConfigurationError, seededRandom } from 'seaworthy/core'
import { eventually, VirtualClock } from '@seaworthy/testing'
import { startFaultProxy } from '@seaworthy/testing/fault-proxy'
import { type Pair, startRig } from './rig.ts'

suite('a fault proxy without toxics', () => {
  test('passes bytes both ways, and the end of each direction alone', async (t) => {
    const { proxy, connected } = await startRig(t)
    const { client, target } = await connected()
    client.socket.end('question')
    await target.receives('question')
    await target.isOver('ended')
    target.socket.write('late ')
    target.socket.end('answer')
    await client.receives('late answer')
    await client.isOver('ended')
    await eventually('the connection is forgotten', () => proxy.open === 0)
    assert.deepEqual(proxy.forwardedBytes, { upstream: 8, downstream: 11 })

    const other = await connected()
    other.target.socket.end('greeting')
    await other.client.isOver('ended')
    other.client.socket.end('thanks')
    await other.target.receives('thanks')
    await other.target.isOver('ended')
    assert.ok(Object.values(proxy.effects).every((count) => count === 0))
  })

  test('passes a reset on, in both directions', async (t) => {
    const { connected } = await startRig(t)
    const first = await connected()
    first.client.socket.resetAndDestroy()
    await first.target.isOver('reset')
    const second = await connected()
    second.target.socket.resetAndDestroy()
    await second.client.isOver('reset')
  })

  test('resets a client whose target refuses', async (t) => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const proxy = await startFaultProxy({ target: { port } })
    t.after(() => proxy.close())
    const client = connect({ port: proxy.port, host: '127.0.0.1' })
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNRESET')
  })

  test('slows a sender down to its receiver, within a bounded buffer, and loses nothing', async (t) => {
    const { proxy, connected } = await startRig(t, { bufferBytesMax: 64 << 10 })
    const { client, target } = await connected()
    target.socket.pause()
    const sent = randomBytes(32 << 20)
    let taken = false
    client.socket.end(sent, () => (taken = true))
    // What fits into the operating system's buffers goes on; then all of it stands still.
    let before = -1
    await eventually('the sender stands still', async () => {
      const { upstream } = proxy.forwardedBytes
      const isStill = upstream > 0 && upstream === before
      before = upstream
      await new Promise((resolve) => setTimeout(resolve, 50))
      return isStill
    })
    assert.equal(taken, false, 'the proxy took everything from a sender whose receiver reads nothing')
    assert.ok(before < sent.length)
    target.socket.resume()
    await target.isOver('ended')
    assert.ok(target.received.equals(sent))
  })
})

suite('a toxic', () => {
  test('latency brings bytes and the end later, not before, and chunks side by side', async (t) => {
    const { proxy, clock, connected } = await startRig(t)
    const { client, target } = await connected()
    await proxy.afflict({ upstream: { latency: { delayMs: 100 } } })
    client.socket.write('one')
    await eventually('the first is under way', () => proxy.effects.latency === 1)
    await clock.advance(60)
    client.socket.end('two')
    await eventually('the second and the end are under way', () => proxy.effects.latency === 3)
    await clock.advance(39)
    assert.deepEqual(proxy.forwardedBytes, { upstream: 0, downstream: 0 })
    await clock.advance(1)
    await target.receives('one')
    // 100 ms after it was sent, though the line carried something else for 40 of them.
    await clock.advance(59)
    assert.equal(proxy.forwardedBytes.upstream, 3)
    await clock.advance(1)
    await target.receives('onetwo')
    await target.isOver('ended')
    target.socket.write('at once')
    await client.receives('at once')
  })

  test('jitter spreads the delays and keeps the order', async (t) => {
    const { proxy, clock, connected } = await startRig(t)
    const { client, target } = await connected()
    await proxy.afflict({ upstream: { latency: { delayMs: 10, jitterMs: 90 } } })
    const letters = Array.from('abcdefghij')
    for (const [index, letter] of letters.entries()) {
      client.socket.write(letter)
      await eventually('it is under way', () => proxy.effects.latency === index + 1)
    }
    const forwardedAt: number[] = []
    for (let ms = 1; ms <= 100; ms++) {
      await clock.advance(1)
      while (forwardedAt.length < proxy.forwardedBytes.upstream) forwardedAt.push(ms)
    }
    await target.receives(letters.join(''))
    assert.ok(forwardedAt[0]! >= 10)
    assert.ok(new Set(forwardedAt).size > 1, `all came at ${forwardedAt[0]} ms`)
  })

  test('bandwidth lets so many bytes through in a second, and heal the rest at once', async (t) => {
    const { proxy, clock, connected } = await startRig(t)
    const { client, target } = await connected()
    await proxy.afflict({ downstream: { bandwidth: { bytesPerSecond: 1_000 } } })
    const answer = 'x'.repeat(5_000)
    target.socket.write(answer)
    await eventually('the first piece is through', () => proxy.forwardedBytes.downstream === 50)
    await clock.advance(1_000)
    assert.equal(proxy.forwardedBytes.downstream, 1_050)
    await clock.advance(1_000)
    assert.equal(proxy.forwardedBytes.downstream, 2_050)
    await proxy.heal()
    await client.receives(answer)
    assert.ok(proxy.effects.bandwidth >= 41)
  })

  test('slice cuts into small pieces with gaps, and whoever reads them all has the whole', async (t) => {
    const { proxy, clock, connected } = await startRig(t)
    const { client, target } = await connected()
    await proxy.afflict({ upstream: { slice: { bytesMax: 3, gapMs: 10 } } })
    client.socket.write('abcdefghijklmnopqrstuvwxyz')
    await eventually('the first piece is through', () => proxy.forwardedBytes.upstream > 0)
    let pieces = 1
    for (; proxy.forwardedBytes.upstream < 26; pieces++) {
      const { upstream } = proxy.forwardedBytes
      await clock.advance(9)
      assert.equal(proxy.forwardedBytes.upstream, upstream, 'a piece came before its gap was over')
      await clock.advance(1)
      const size = proxy.forwardedBytes.upstream - upstream
      assert.ok(size >= 1 && size <= 3, `a piece of ${size} bytes`)
    }
    assert.ok(pieces >= 9)
    assert.equal(proxy.effects.slice, pieces - 1)
    await target.receives('abcdefghijklmnopqrstuvwxyz')
    assert.ok(target.chunks.length > 1)
  })

  test('half-open hides bytes, end and reset in its direction, and hands them over when it heals', async (t) => {
    const { proxy, connected } = await startRig(t)
    const [quiet, dying] = [await connected(), await connected()]
    await proxy.afflict({ upstream: { halfOpen: true } })
    quiet.client.socket.end('question')
    dying.client.socket.resetAndDestroy()
    await eventually('both are held', () => proxy.effects['half-open'] === 2)
    quiet.target.socket.write('still here?')
    await quiet.client.receives('still here?')
    assert.equal(quiet.target.text, '')
    assert.equal(quiet.target.over, undefined)
    assert.equal(dying.target.over, undefined)
    assert.equal(quiet.client.socket.destroyed, false)
    await proxy.heal()
    await quiet.target.receives('question')
    await quiet.target.isOver('ended')
    await dying.target.isOver('reset')
  })

  test('cut closes in the middle of a response', async (t) => {
    const { proxy, connected } = await startRig(t)
    const { client, target } = await connected()
    target.socket.write('before ')
    await client.receives('before ')
    await proxy.afflict({ downstream: { cut: { afterBytes: 4, how: 'close' } } })
    target.socket.write('HTTP/1.1 200 OK')
    await client.receives('before HTTP')
    await client.isOver('ended')
    await target.isOver('ended')
    assert.equal(proxy.effects.close, 1)
  })

  test('cut resets both ends, before the first byte if asked to', async (t) => {
    const { proxy, connected } = await startRig(t)
    const { client, target } = await connected()
    await proxy.afflict({ upstream: { cut: { afterBytes: 0, how: 'reset' } } })
    client.socket.write('question')
    await client.isOver('reset')
    await target.isOver('reset')
    assert.equal(target.text, '')
    assert.equal(proxy.effects.reset, 1)
  })

  test('refuse refuses new connections, spares open ones, and is undone on the same port', async (t) => {
    const { proxy, connected } = await startRig(t)
    const { client, target } = await connected()
    const { port } = proxy
    await proxy.afflict({ refuse: true })
    const [error] = (await once(connect({ port, host: '127.0.0.1' }), 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNREFUSED')
    client.socket.write('still open')
    await target.receives('still open')
    await proxy.heal()
    assert.equal(proxy.port, port)
    const again = await connected()
    again.client.socket.write('hello again')
    await again.target.receives('hello again')
    assert.equal(proxy.accepted, 2)
  })

  test('touches the share of connections that it is told to, the same ones under the same seed', async (t) => {
    const touched = async (seed: number) => {
      const { proxy, connected } = await startRig(t, { random: seededRandom(seed) })
      await proxy.afflict({ downstream: { toxicity: 0.5, halfOpen: true } })
      const connections: Pair[] = []
      for (let count = 0; count < 16; count++) connections.push(await connected())
      for (const { target } of connections) target.socket.write('x')
      await eventually('each is held or forwarded', () => proxy.effects['half-open'] + proxy.forwardedBytes.downstream === 16)
      await eventually(
        'what was forwarded arrives',
        () => connections.filter(({ client }) => client.text === 'x').length === proxy.forwardedBytes.downstream,
      )
      return connections.map(({ client }) => client.text)
    }
    const first = await touched(7)
    assert.deepEqual(await touched(7), first)
    const spared = first.filter((text) => text === 'x').length
    assert.ok(spared > 3 && spared < 13, `${spared} of 16 were spared`)
  })

  test('that makes no sense is refused by name', async (t) => {
    const { proxy } = await startRig(t)
    for (const [afflictions, name] of [
      [{ upstream: { latency: { delayMs: -1 } } }, 'upstream.latency.delayMs'],
      [{ downstream: { bandwidth: { bytesPerSecond: 0 } } }, 'downstream.bandwidth.bytesPerSecond'],
      [{ downstream: { slice: { bytesMax: 0 } } }, 'downstream.slice.bytesMax'],
      [{ upstream: { toxicity: 2 } }, 'upstream.toxicity'],
      [{ upstream: { cut: { afterBytes: Number.NaN, how: 'reset' } } }, 'upstream.cut.afterBytes'],
    ] as const)
      await assert.rejects(proxy.afflict(afflictions), (error) => error instanceof ConfigurationError && error.message.includes(name))
  })
})

suite('disconnecting', () => {
  for (const [how, seen] of [
    ['close', 'ended'],
    ['reset', 'reset'],
  ] as const)
    test(`${how} ends every open connection, and a new one works`, async (t) => {
      const { proxy, connected } = await startRig(t)
      const old = [await connected(), await connected()]
      assert.equal(proxy.disconnect(how), 2)
      for (const { client, target } of old) {
        await client.isOver(seen)
        await target.isOver(seen)
      }
      assert.equal(proxy.effects[how], 2)
      const { client, target } = await connected()
      client.socket.write('new')
      await target.receives('new')
    })

  test('leaves neither timer nor socket behind when the proxy closes in the middle of everything', async (t) => {
    const clock = new VirtualClock()
    const { proxy, connected } = await startRig(t, { clock })
    const { client, target } = await connected()
    await proxy.afflict({ upstream: { latency: { delayMs: 1_000 } }, downstream: { halfOpen: true } })
    client.socket.write('question')
    target.socket.write('answer')
    await eventually('both are under way', () => proxy.effects.latency === 1 && proxy.effects['half-open'] === 1)
    await proxy.close()
    assert.equal(proxy.open, 0)
    assert.deepEqual(clock.pending, [])
    await assert.rejects(once(connect({ port: proxy.port, host: '127.0.0.1' }), 'connect'), { code: 'ECONNREFUSED' })
  })
})
