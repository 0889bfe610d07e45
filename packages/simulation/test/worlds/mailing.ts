import assert from 'node:assert/strict'
import { type Invariant, type System, client, invariant, node } from '@seaworthy/simulation'
import { startWorker } from 'seaworthy/messaging'

/** A mail provider outside the system: it remembers the ids under which it sent. */
class MailProvider {
  readonly sent = new Map<string, number>()

  /** Sends a letter, once per id. */
  send(id: string): void {
    this.sent.set(id, (this.sent.get(id) ?? 0) + 1)
  }
}

const LETTERS = ['one', 'two', 'three']

/** Letters go through a queue to a worker, which hands each to a provider. */
export const mailing: System = {
  nodes: [
    node('desk', async ({ queue }) => {
      const letters = queue('letters')
      return { write: ({ id }: { id: string }) => letters.send({ id, body: { id }, context: { correlationId: id } }) }
    }),
    node('postman', async ({ queue, shared, process }) => {
      const provider = shared('mail', () => new MailProvider())
      startWorker({
        queue: queue('letters'),
        name: 'letters',
        leaseMs: 30_000,
        handler: async ({ id }) => {
          await process.later(20, () => {
            if (!provider.sent.has(id)) provider.send(id)
          })
        },
      })
    }),
  ],
  clients: [
    client('author', async ({ call }) => {
      for (const id of LETTERS) await call('desk', 'write', { id })
    }),
  ],
}

export const everyLetterIsSentOnce: Invariant = invariant('every letter is sent once, and the queue is empty', (view) => {
  const sent = view.shared<MailProvider>('mail')?.sent ?? new Map<string, number>()
  assert.deepEqual(Object.fromEntries(sent), Object.fromEntries(LETTERS.map((id) => [id, 1])))
  assert.deepEqual(view.queue('letters'), { ready: 0, delayed: 0, leased: 0, dead: 0 })
})
