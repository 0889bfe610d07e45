import type { Books } from './books.ts'

/** What a customer is told of a checkout. */
export interface CheckoutAnswer {
  readonly orderId: string
  readonly status: 'completed' | 'rejected' | 'pending'
  readonly reason?: string
}

/** What a customer was told, or would have been: the other half of the books. */
export interface Expected {
  /** Keys under which customers checked out; each must stand for exactly one order. */
  readonly keys: readonly string[]
  /** The last answer under each key that got one. */
  readonly answers: ReadonlyMap<string, CheckoutAnswer>
  /** Stock of each product before the first checkout: on hand, reserved and shipped together. */
  readonly stockBefore: ReadonlyMap<string, number>
  readonly countersBefore: ReadonlyMap<string, number>
  /** Orders that were there before. */
  readonly ordersBefore: ReadonlySet<string>
}

/** Everything in the books that must not be. Empty when the shop kept its word. */
export function audit(books: Books, expected: Expected): string[] {
  const orders = books.orders.filter((order) => !expected.ordersBefore.has(order.id))
  const completed = orders.filter((order) => order.status === 'completed')
  return [
    ...keysStandForOneOrder(books, orders, expected),
    ...answersHold(books, expected),
    ...orders.filter((order) => order.status === 'pending').map((order) => `order ${order.id} never finished`),
    ...moneyIsRight(books, orders),
    ...oneParcelEach(books, orders),
    ...stockIsRight(books, orders, expected),
    ...oneMailEach(books, orders),
    ...figuresAreRight(books, orders, completed, expected),
    ...orders
      .filter((order) => books.history.get(order.id) !== order.status)
      .map((order) => `order ${order.id} is ${order.status}, its history says ${books.history.get(order.id)}`),
  ]
}

function keysStandForOneOrder(books: Books, orders: Books['orders'], { keys, answers }: Expected): string[] {
  // Where keys are not honoured, nobody has written them down; whether that did harm is what the number of orders says.
  const missing = keys.filter((key) => !books.checkoutKeys.has(key) && !answers.has(key)).map((key) => `key ${key} has no order`)
  return orders.length === keys.length
    ? missing
    : [...missing, `${keys.length} customers checked out, and there are ${orders.length} orders`]
}

/** An order that a customer was told about is that order, and a final answer stays final. */
function answersHold(books: Books, { answers }: Expected): string[] {
  const orders = new Map(books.orders.map((order) => [order.id, order]))
  return [...answers].flatMap(([key, told]) => {
    const orderId = books.checkoutKeys.get(key) ?? told.orderId
    if (orderId !== told.orderId) return [`key ${key} stands for order ${orderId}, its customer was told ${told.orderId}`]
    const status = orders.get(orderId)?.status
    if (status === undefined) return [`key ${key} stands for order ${orderId}, which does not exist`]
    return told.status === 'pending' || told.status === status
      ? []
      : [`order ${orderId} is ${status}, its customer was told ${told.status}`]
  })
}

function moneyIsRight(books: Books, orders: Books['orders']): string[] {
  const problems: string[] = []
  const sum = books.payments.flatMap(({ postings }) => postings).reduce((total, { amountCents }) => total + amountCents, 0)
  if (sum !== 0) problems.push(`the ledger sums to ${sum} cents`)
  const booked = new Map<string, number>()
  for (const { account, amountCents } of books.payments.flatMap(({ postings }) => postings))
    booked.set(account, (booked.get(account) ?? 0) + amountCents)
  for (const account of new Set([...booked.keys(), ...books.balances.keys()])) {
    const [entries, balance] = [booked.get(account) ?? 0, books.balances.get(account) ?? 0]
    if (entries !== balance) problems.push(`the entries of ${account} sum to ${entries} cents, its balance says ${balance}`)
  }
  const paid = new Map<string, number>()
  for (const { orderId, postings } of books.payments) {
    const received = postings
      .filter(({ account }) => account === 'card-clearing')
      .reduce((total, { amountCents }) => total + amountCents, 0)
    paid.set(orderId, (paid.get(orderId) ?? 0) + received)
  }
  for (const order of orders) {
    const wanted = order.status === 'completed' ? order.totalCents : 0
    const received = paid.get(order.id) ?? 0
    if (received !== wanted) problems.push(`order ${order.id} is ${order.status}: ${wanted} cents are due, ${received} were taken`)
  }
  const known = new Set(books.orders.map(({ id }) => id))
  for (const [orderId, received] of paid)
    if (!known.has(orderId) && received !== 0) problems.push(`${received} cents were taken for order ${orderId}, which does not exist`)
  return problems
}

/** What was paid for leaves, once; nothing else does. */
function oneParcelEach(books: Books, orders: Books['orders']): string[] {
  const counts = new Map<string, number>()
  for (const { orderId, state } of books.shipments) if (state === 'booked') counts.set(orderId, (counts.get(orderId) ?? 0) + 1)
  return orders
    .filter((order) => (counts.get(order.id) ?? 0) !== (order.status === 'completed' ? 1 : 0))
    .map((order) => `order ${order.id} is ${order.status} and has ${counts.get(order.id) ?? 0} parcels`)
}

function stockIsRight(books: Books, orders: Books['orders'], { stockBefore }: Expected): string[] {
  const problems: string[] = []
  const sold = new Map<string, number>()
  for (const { lines } of orders.filter(({ status }) => status === 'completed')) {
    for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity)
  }
  const taken = new Map<string, number>()
  const ids = new Set(orders.map(({ id }) => id))
  for (const { orderId, state, lines } of books.reservations) {
    if (!ids.has(orderId) || state === 'released') continue
    for (const { productId, quantity } of lines) taken.set(productId, (taken.get(productId) ?? 0) + quantity)
  }
  for (const productId of new Set([...sold.keys(), ...taken.keys()])) {
    if (sold.get(productId) !== taken.get(productId))
      problems.push(`${sold.get(productId) ?? 0} pieces of ${productId} were sold, ${taken.get(productId) ?? 0} were taken from stock`)
  }
  for (const { productId, onHand, reserved, shipped } of books.stock) {
    const before = stockBefore.get(productId)
    if (before !== undefined && before !== onHand + reserved + shipped)
      problems.push(`product ${productId} had ${before} pieces, now ${onHand + reserved + shipped}`)
  }
  return problems
}

function oneMailEach(books: Books, orders: Books['orders']): string[] {
  const counts = new Map<string, number>()
  for (const mail of books.mails) {
    const orderId = /^X-Order-Id: (\S+)/m.exec(mail)?.[1]
    if (orderId !== undefined) counts.set(orderId, (counts.get(orderId) ?? 0) + 1)
  }
  return orders
    .filter((order) => (counts.get(order.id) ?? 0) !== (order.status === 'completed' ? 1 : 0))
    .map((order) => `order ${order.id} is ${order.status} and got ${counts.get(order.id) ?? 0} e-mails`)
}

function figuresAreRight(books: Books, orders: Books['orders'], completed: Books['orders'], { countersBefore }: Expected): string[] {
  const wanted = {
    'orders-completed': completed.length,
    'orders-rejected': orders.length - completed.length,
    'revenue-cents': completed.reduce((sum, order) => sum + order.totalCents, 0),
  }
  return Object.entries(wanted).flatMap(([counter, value]) => {
    const counted = (books.counters.get(counter) ?? 0) - (countersBefore.get(counter) ?? 0)
    return counted === value ? [] : [`analytics counted ${counted} ${counter}, the orders say ${value}`]
  })
}
