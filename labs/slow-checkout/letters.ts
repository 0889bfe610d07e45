import { type PostgresDatabase, migrate, openPostgresDatabase, openPostgresQueue, queueSchema } from '@seaworthy/postgres'
import { contextOrRoot, newId, propagated, rootContext } from 'seaworthy/core'
import { type Queue, startWorker } from 'seaworthy/messaging'

/** The queue from orders to notifications. It lies in the server that both use. */
export class Letters {
  readonly #database: PostgresDatabase
  readonly #queue: Queue

  private constructor(database: PostgresDatabase) {
    this.#database = database
    this.#queue = openPostgresQueue(database, { name: 'letters', pollMs: 50 })
  }

  /** Undefined where there is no server. */
  static async open(at: string): Promise<Letters | undefined> {
    if (!at.startsWith('postgres:')) return undefined
    const database = await openPostgresDatabase({ connection: at })
    await migrate(database, [queueSchema])
    return new Letters(database)
  }

  /** A letter for the request in progress. */
  send(): Promise<void> {
    return this.#queue.send({ id: newId(), body: 'letter', context: propagated(contextOrRoot()) })
  }

  /** A message of somebody else. */
  sendNewsletter(): Promise<void> {
    return this.#queue.send({ id: newId(), body: 'newsletter', context: propagated(rootContext()) })
  }

  work(handle: (body: unknown) => Promise<void>): void {
    startWorker({ queue: this.#queue, name: 'letters', concurrencyMax: 1, handler: ({ body }) => handle(body) })
  }

  async close(): Promise<void> {
    await this.#queue.close()
    await this.#database.close()
  }
}
