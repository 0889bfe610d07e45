import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { Signals } from '../src/signals.ts'
import { databaseForTest } from './server.ts'

suite('notifications', () => {
  test('a few in a row go at once, then one for each time that has passed, and none is lost', async (t) => {
    const under = await databaseForTest()
    t.after(under.dispose)
    const clock = new VirtualClock()
    const signals = new Signals({ config: { connectionString: under.url }, clock })
    t.after(() => signals.close())
    const listener = await under.connect()
    const heard: string[] = []
    listener.on('notification', ({ payload = '' }) => heard.push(payload))
    await listener.query('LISTEN bell')

    const names = Array.from({ length: 12 }, (_, ring) => `ring ${ring}`)
    for (const name of names.slice(0, 8)) {
      signals.notify('bell', name)
      await eventually('a ring is heard while the clock stands still', () => heard.includes(name))
    }
    for (const name of names.slice(8)) signals.notify('bell', name)
    await eventually('the ninth waits for its turn', () => clock.pending.length > 0)
    assert.deepEqual(heard, names.slice(0, 8))
    await clock.advance(5)
    await eventually('all that gathered meanwhile go together', () => heard.length === names.length)
    assert.deepEqual(heard, names)
  })
})
