import assert from 'node:assert/strict'
import { join } from 'node:path'
import { dataDirectoryPaths } from '@seaworthy/supervisor'
import { openSqliteEventLog } from 'seaworthy/sqlite'
import { mailTexts } from './books.ts'
import { checkout, request } from './client.ts'
import { seaworthy } from './command.ts'
import { type Shop, until } from './shop.ts'

interface Newcomer {
  readonly id: string
  readonly name: string
  /** Whether they gave an address that a bill can reach. Who did not is allowed no order. */
  readonly canBeBilled: boolean
}

const WITHIN_MS = 30_000
/** Between two: enough of them, and time for the others. */
const PAUSE_MS = 30

/** People who register, one after another, look at once whether they are known, and buy; and take no for no answer. */
export class Newcomers {
  readonly known: Newcomer[] = []
  readonly forgotten = new Set<string>()
  readonly #gateway: string
  readonly #failed: string[]
  readonly #all: readonly Promise<void>[]
  #isOver = false

  /**
   * @param family whose name they have, so that nobody came before them who is called as one of them is
   * @param failed where each gets a line who was turned away
   */
  constructor(gateway: string, family: string, failed: string[]) {
    this.#gateway = gateway
    this.#failed = failed
    this.#all = ['Ada', 'Grace'].map((name) => this.#arrive(`${name} ${family}`))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#all)
  }

  async #arrive(name: string): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      await this.#register(`${name} ${turn}`, turn % 3 !== 2)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  async #register(name: string, canBeBilled: boolean): Promise<void> {
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@${canBeBilled ? 'example.com' : 'nowhere.invalid'}`
    const customer = await this.#ask<{ id: string }>('/api/customers', 201, { body: { name, email } })
    if (customer === undefined) return
    const { id } = customer
    if ((await this.#ask(`/api/customers/${id}`, 200)) === undefined) return
    if (canBeBilled) {
      const order = { customerId: id, lines: [{ productId: 'product-2', quantity: 1 }], card: 'ok' }
      const { status, body } = await checkout(this.#gateway, order)
      if (status !== 201) this.#failed.push(`${name} buys: ${status} ${JSON.stringify(body)}`)
    }
    this.known.push({ id, name, canBeBilled })
  }

  /** The last of those who are known is forgotten. */
  async forgetOne(): Promise<void> {
    const one = this.known.findLast(({ id }) => !this.forgotten.has(id))!
    this.forgotten.add(one.id)
    await this.#ask(`/api/customers/${one.id}`, 204, { method: 'DELETE' })
  }

  async #ask<Body>(path: string, expected: number, options: Parameters<typeof request>[1] = {}): Promise<Body | undefined> {
    try {
      const { status, body } = await request<Body>(`${this.#gateway}${path}`, options)
      if (status === expected) return body
      this.#failed.push(`${path}: ${status} ${JSON.stringify(body)}`)
    } catch (error) {
      this.#failed.push(`${path}: ${String(error)}`)
    }
    return undefined
  }
}

/** Customers leave the monolith, come back, and leave again, while people register. Some ask to be forgotten by the one side what the other has registered. */
export async function moveCustomers(shop: Shop, newcomers: Newcomers): Promise<void> {
  const { gateway, dataDir } = shop
  const move = (...args: readonly string[]) => seaworthy(['gateway', ...args, `--data-dir=${dataDir}`])
  const more = async () => {
    const before = newcomers.known.length
    await until(() => newcomers.known.length >= before + 4, { timeoutMs: WITHIN_MS, what: 'more to register' })
  }
  const there = async () => {
    assert.match(await move('shift', 'customers', '100'), /customers: 0 % → 100 % at customers/)
    await newcomers.forgetOne()
  }
  await more()
  await there()
  const astray = await request(`${shop.process('monolith').httpUrl}/api/customers`, { body: { name: 'Astray', email: 'a@example.com' } })
  assert.equal(astray.status, 503, 'a write to the side that does not own the customers')
  await more()
  // On a machine that is busy the gateway's guard may have been faster: what waits for two processes is slow there.
  assert.match(await move('rollback', 'customers'), /customers: \d+ % → 0 %/)
  await newcomers.forgetOne()
  await more()
  await there()
  await more()
  assert.equal((await request(`${gateway}/api/customers/nobody`)).status, 404)
}

/**
 * Each who registered is known at these places with the limit that billing decided, was told of once, in the order of the numbers, and was welcomed once.
 * @param urls of those who answer for customers
 */
export async function assertSettled(dataDir: string, urls: readonly string[], { known, forgotten }: Newcomers): Promise<void> {
  assert.ok(known.length > 10, 'people registered')
  const limitOf = async (url: string, id: string) =>
    (await request<{ creditLimitCents: number }>(`${url}/api/customers/${id}`)).body.creditLimitCents
  for (const { id, canBeBilled } of known.filter((each) => !forgotten.has(each.id)))
    for (const url of urls) {
      const isDecided = async () => (await limitOf(url, id)) > 0 === canBeBilled
      await until(isDecided, { timeoutMs: WITHIN_MS, what: `the limit of ${id} at ${url}` })
    }
  for (const id of forgotten) for (const url of urls) assert.equal((await request(`${url}/api/customers/${id}`)).status, 404)

  const events = await toldOfCustomers(dataDir)
  for (const { id } of known) {
    const expected = forgotten.has(id) ? ['1 customer.created', '2 customer.forgotten'] : ['1 customer.created']
    assert.deepEqual(events.get(id), expected, id)
  }
  const welcomes = (name: string) =>
    mailTexts(join(dataDir, 'services', 'notifications')).filter((text) => text.includes(`Dear ${name},`) && text.includes('Welcome'))
      .length
  for (const { name } of known.filter(({ id }) => !forgotten.has(id)))
    await until(() => welcomes(name) === 1, { timeoutMs: WITHIN_MS, what: `one welcome for ${name}` })
}

/** Number and type of each event about a customer, as the topic's file has them. */
async function toldOfCustomers(dataDir: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const log = await openSqliteEventLog({
    directory: dataDirectoryPaths(dataDir).eventLog,
    offsetsDirectory: join(dataDir, 'offsets-of-a-test'),
  })
  try {
    const reader = await log.reader({ topics: ['customers'], group: 'test' })
    const told = new Map<string, string[]>()
    for (;;) {
      const records = await reader.poll({ max: 1_000, waitMs: 0 })
      if (records.length === 0) return told
      for (const { event } of records) {
        const ofKey = told.get(event.key) ?? []
        told.set(event.key, [...ofKey, `${event.sequence} ${event.type}`])
      }
    }
  } finally {
    await log.close()
  }
}
