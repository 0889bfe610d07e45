import type { CheckoutAnswer } from '../../shop/test/audit/audit.ts'

export type { CheckoutAnswer }

/** What a customer's browser does, over HTTP alone. */
export interface Answer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export async function request<Body>(
  url: string,
  options: { method?: string; body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Answer<Body>> {
  const response = await fetch(url, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers: { ...(options.body !== undefined && { 'content-type': 'application/json' }), ...options.headers },
    ...(options.body !== undefined && { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
    signal: AbortSignal.timeout(options.timeoutMs ?? 20_000),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as Body }
}

export interface Product {
  readonly id: string
  readonly name: string
  readonly priceCents: number
}

export interface CheckoutRequest {
  readonly customerId: string
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[]
  readonly card: string
}

export const createCustomer = async (gateway: string, name: string): Promise<string> => {
  const { status, body } = await request<{ id: string }>(`${gateway}/api/customers`, {
    body: { name, email: `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '.')}@example.com` },
  })
  if (status !== 201) throw new Error(`POST /api/customers answered ${status}: ${JSON.stringify(body)}`)
  return body.id
}

export const checkout = (gateway: string, order: CheckoutRequest, headers: Record<string, string> = {}): Promise<Answer<CheckoutAnswer>> =>
  request<CheckoutAnswer>(`${gateway}/api/checkout`, { body: order, headers })

/**
 * A customer who does not give up: asks again under the same key after every failure, until there is an order or the time is over.
 */
export async function persistentCheckout(
  gateway: string,
  order: CheckoutRequest,
  key: string,
  options: { timeoutMs: number },
): Promise<CheckoutAnswer> {
  const deadline = performance.now() + options.timeoutMs
  let last: unknown
  while (performance.now() < deadline) {
    try {
      const answer = await checkout(gateway, order, { 'idempotency-key': key })
      if (answer.status === 201) return answer.body
      last = `${answer.status} ${JSON.stringify(answer.body)}`
      if (answer.status === 422 || answer.status === 400) break
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200))
  }
  throw new Error(`The checkout under key ${key} got no order: ${String(last)}`)
}
