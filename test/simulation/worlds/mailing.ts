import { type CallContext, RejectedError, contextOrRoot, propagated } from 'seaworthy/core'
import { type NodePorts, client, invariant, node, noDuplicateEffects, noLostEvents, noPhantomEvents, violated } from '@seaworthy/simulation'
import { startWorker } from 'seaworthy/messaging'
import { type SimulatedWorld, named, tables } from './simulated-world.ts'

interface Mail {
  readonly id: string
  /** Nobody can send to this address. */
  readonly broken: boolean
}

const MAILS: readonly Mail[] = [
  { id: 'welcome', broken: false },
  { id: 'nonsense', broken: true },
  { id: 'invoice', broken: false },
]

/** The part that a team can get wrong. */
export interface MailingParts {
  /** The key under which the provider is asked to send a mail. */
  readonly keyOf?: (ports: NodePorts, mail: Mail) => string
}

/** Jobs in a queue, two workers, and a mail provider that honours keys. */
export function mailingWorld({ keyOf = (_, mail) => mail.id }: MailingParts = {}): SimulatedWorld {
  return {
    name: 'mailing',
    chapter: 'messaging',
    system: {
      nodes: [
        node('office', async ({ queue }) => {
          const mails = queue('mails')
          return { send: (mail: Mail) => mails.send({ id: mail.id, body: mail, context: propagated(contextOrRoot()) }) }
        }),
        ...['worker-one', 'worker-two'].map((name) =>
          node(name, async (ports) => {
            const { queue, transport } = ports
            startWorker({
              queue: queue('mails'),
              name: 'mails',
              concurrencyMax: 1,
              async handler({ body, signal }) {
                const mail = body as Mail
                const context = { ...contextOrRoot(), signal, idempotencyKey: keyOf(ports, mail) }
                await transport.call('provider', 'deliver', mail, context)
              },
            })
          }),
        ),
        node('provider', async ({ database }) => {
          const sent = await database({ schema: [tables('sent', 'CREATE TABLE sent (key TEXT PRIMARY KEY, id TEXT NOT NULL) STRICT')] })
          return {
            async deliver({ id, broken }: Mail, { idempotencyKey }: CallContext) {
              if (broken) throw new RejectedError('no-such-address', `Mail ${id} has no address.`)
              await sent.atomically([{ sql: 'INSERT OR IGNORE INTO sent (key, id) VALUES (?, ?)', params: [idempotencyKey!, id] }])
            },
          }
        }),
      ],
      clients: [
        client('clerk', async ({ call }) => {
          for (const mail of MAILS) await call('office', 'send', mail)
        }),
      ],
    },
    invariants: [
      invariant('every mail is sent once', (view) => {
        const sent = view.query<{ id: string }>('provider', 'SELECT id FROM sent').map(({ id }) => id)
        const sendable = MAILS.filter(({ broken }) => !broken).map(({ id }) => id)
        noLostEvents({ published: named('Mail', sendable), handled: named('Mail', sent), by: 'provider' })
        noDuplicateEffects({ effects: named('Mail', sent), at: 'provider' })
        noPhantomEvents({ published: named('Mail', sendable), handled: named('Mail', sent), by: 'provider' })
      }),
      invariant('the queue is empty but for what cannot be sent', (view) => {
        const { ready, delayed, leased, dead } = view.queue('mails')
        if (ready + delayed + leased > 0) violated(`${ready + delayed + leased} mails are still in the queue.`)
        if (dead !== 1) violated(`${dead} mails lie aside; it should be the one that has no address.`)
      }),
    ],
  }
}
