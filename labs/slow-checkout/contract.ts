import { restContract } from '@seaworthy/rpc/rest'

/** What each service of the lab can be asked for: nothing is said but that it is done. */
export const STOREFRONT = restContract({
  title: 'storefront',
  version: '1',
  operations: { checkout: { method: 'POST', path: '/api/checkout', summary: 'Buy what is in the basket', responses: { 204: null } } },
})

export const ORDERS = restContract({
  title: 'orders',
  version: '1',
  operations: { place: { method: 'POST', path: '/orders', summary: 'Place an order', responses: { 204: null } } },
})

export const PRICING = restContract({
  title: 'pricing',
  version: '1',
  operations: { quote: { method: 'POST', path: '/quotes', summary: 'What it costs', responses: { 204: null } } },
})

export const INVENTORY = restContract({
  title: 'inventory',
  version: '1',
  operations: {
    reserve: { method: 'POST', path: '/reservations', summary: 'Set stock aside', responses: { 204: null } },
    stock: { method: 'GET', path: '/stock', summary: 'How much there is of one product', responses: { 204: null } },
  },
})

export const PAYMENTS = restContract({
  title: 'payments',
  version: '1',
  operations: { charge: { method: 'POST', path: '/charges', summary: 'Charge the card', responses: { 204: null } } },
})
