import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { InvalidInputError, NotFoundError, rootContext } from 'seaworthy/core'
import { startWholeShop, type WholeShop, type WholeShopOptions } from '../whole-shop.ts'

/** In ASCII, so that no letter hides them in an encoding; together in no other file of the machine. */
const NAME = 'Ada Augusta King-Noel'
const EMAIL = 'ada.king-noel@analytical.example'
/** A machine may be busy, and a server takes its time. */
const PATIENT = { withinMs: 30_000 }

interface Customer {
  readonly id: string
}
interface Order {
  readonly orderId: string
  readonly status: string
}
type Rest<Body> = { readonly status: number; readonly body: Body }

export interface ErasureSubject {
  readonly options: () => WholeShopOptions
  /** Files that hold a text, wherever the shop keeps anything. */
  readonly filesWith: (text: string) => readonly string[]
  /** Has what is still in memory written to the files. */
  readonly settle?: () => Promise<void>
}

/** Whoever asks to be forgotten is, in every database of the shop; and the shop goes on with what it has. */
export function erasureSuite(engine: string, subject: ErasureSubject): void {
  test(`on ${engine}, nothing of a forgotten customer is left in any file, and the books are right`, async () => {
    const { ada, order, stream } = await lives(subject)
    await using shop = await startWholeShop(subject.options())
    // From the first event on, by whoever starts anew.
    const audit = await shop.ask('payments', 'audit-events', {})
    assert.deepEqual([audit?.isComplete, audit?.findings], [true, []])
    assert.match(audit!.facts[0]!, /sum to zero/)
    const payment = await shop.ask('payments', 'event-stream', { stream })
    assert.deepEqual(
      payment?.events.map(({ data }) => (data as { payer?: unknown }).payer),
      [{ name: '(forgotten)', email: '(forgotten)' }],
    )
    const { body: history } = await shop.request<Rest<{ items: readonly Order[] }>>('order-history', 'listOrdersOfCustomer', {
      params: { customerId: ada },
      query: {},
      headers: {},
    })
    assert.deepEqual(
      history.items.map(({ orderId }) => orderId),
      [order],
    )

    await gone(shop, ada)
    // An import of the old system does not bring them back, nor does being forgotten again do harm.
    await shop.request('customers', 'importCustomers', { body: { customers: [{ id: ada, name: NAME, email: EMAIL }] } })
    await gone(shop, ada)
    assert.equal((await shop.request<Rest<null>>('customers', 'forgetCustomer', { params: { id: ada } })).status, 204)
    await assert.rejects(shop.request('customers', 'forgetCustomer', { params: { id: 'nobody' } }), NotFoundError)
    assert.deepEqual(leftovers(subject), [])
  })
}

/** Two customers buy and review; one of them is forgotten while the shop runs. */
async function lives(subject: ErasureSubject): Promise<{ readonly ada: string; readonly order: string; readonly stream: string }> {
  await using shop = await startWholeShop(subject.options())
  await shop.request('catalog', 'importProducts', {
    body: { products: [{ id: 'lamp', name: 'Lamp', description: '', category: 'deck', priceCents: 2_500 }] },
  })
  await shop.request('inventory', 'importStock', { body: { stock: [{ productId: 'lamp', quantity: 9 }] } })
  const ada = await becomesCustomer(shop, NAME, EMAIL)
  const grace = await becomesCustomer(shop, 'Grace Brewster Hopper', 'grace@navy.example')
  const order = await buys(shop, ada)
  await buys(shop, grace)
  const review = { productId: 'lamp', customerId: ada, rating: 5, comment: 'Shines.' }
  assert.equal((await shop.request<Rest<{ author: string }>>('reviews', 'writeReview', { body: review })).body.author, NAME)

  const places = async () =>
    (await Promise.all(shop.services.map((name) => shop.ask(name, 'erasure-report', { subject: ada })))).flatMap(
      (report) => report?.places ?? [],
    )
  await eventually(
    'two letters are written',
    async () => (await places()).some(({ name, count }) => name === 'letters' && count === 2),
    PATIENT,
  )
  assert.deepEqual(
    (await places()).map(({ kind, form, name }) => `${kind} ${form} ${kind === 'stream' ? 'of a payment' : name}`).toSorted(),
    ['other clear customers', 'other clear letters', 'other clear reviews', 'stream encrypted of a payment'],
  )
  const stream = (await places()).find(({ kind }) => kind === 'stream')!.name
  const paid = await shop.ask('payments', 'event-stream', { stream })
  assert.deepEqual((paid!.events[0]!.data as { payer?: unknown }).payer, { name: NAME, email: EMAIL })
  await subject.settle?.()
  assert.ok(leftovers(subject).length >= 3, 'the name is nowhere, so that looking for it proves nothing')

  assert.equal((await shop.request<Rest<null>>('customers', 'forgetCustomer', { params: { id: ada } })).status, 204)
  await eventually('everybody has heard of it', async () => (await places()).every(({ kind }) => kind === 'stream'), PATIENT)
  // Files are cleaned after the commit.
  await eventually('nothing is left in any file', async () => leftovers(subject).length === 0, PATIENT).catch(() => undefined)
  assert.deepEqual(leftovers(subject), [])
  const reports = await Promise.all(shop.services.map((name) => shop.ask(name, 'erasure-report', { subject: ada })))
  assert.deepEqual(
    reports.flatMap((report) => (report?.key === undefined || report.key === 'unknown' ? [] : [report.key])),
    ['forgotten'],
  )
  await gone(shop, ada)

  // Others are as they were, and the shop sells.
  assert.ok(subject.filesWith('Grace Brewster Hopper').length > 0)
  await buys(shop, grace)
  const { body } = await shop.request<Rest<{ items: readonly { author: string }[] }>>('reviews', 'listReviews', {
    query: { productId: 'lamp' },
  })
  assert.deepEqual(
    body.items.map(({ author }) => author),
    ['Anonymous'],
  )
  return { ada, order, stream }
}

function leftovers({ filesWith }: ErasureSubject): readonly string[] {
  return [...filesWith(NAME), ...filesWith(EMAIL)]
}

async function becomesCustomer(shop: WholeShop, name: string, email: string): Promise<string> {
  return (await shop.request<Rest<Customer>>('customers', 'createCustomer', { body: { name, email } })).body.id
}

async function buys(shop: WholeShop, customerId: string): Promise<string> {
  const body = { customerId, lines: [{ productId: 'lamp', quantity: 1 }], card: 'ok' }
  const call = rootContext({ idempotencyKey: crypto.randomUUID() })
  const answer = await shop.request<Rest<Order>>('orders', 'checkout', { body, headers: {} }, call)
  assert.equal(answer.body.status, 'completed')
  return answer.body.orderId
}

async function gone(shop: WholeShop, id: string): Promise<void> {
  await assert.rejects(shop.request('customers', 'getCustomer', { params: { id } }), NotFoundError)
  await assert.rejects(buys(shop, id), InvalidInputError)
}
