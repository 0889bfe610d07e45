import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { Gateways } from '../system/gateways.ts'
import type { GatewaysState } from './answers.ts'
import { requiredTexts } from './required-texts.ts'
import { sendAnswer } from './supervised-answer.ts'

const BODY_BYTES_MAX = 16 * 1024

/** What the gateways say of their routes, and what a person decides about one. */
export function registerGatewaysApi(app: FastifyInstance, gateways: Gateways): void {
  app.get('/api/gateways', (_request, reply) => sendAnswer(reply, async (): Promise<GatewaysState> => ({ gateways: await gateways.all() })))

  // A page of another site cannot send these: its Origin is refused before, and a form cannot send JSON.
  app.post('/api/gateway/shift', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const { gateway, ...change } = changeOf(request.body)
    const percent = (request.body as Record<string, unknown>)['percent']
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100))
      throw new InvalidInputError('The request does not hold: percent must be a number from 0 to 100.', [
        { field: 'percent', message: 'must be a number from 0 to 100' },
      ])
    return sendAnswer(reply, () => gateways.shift(gateway, { ...change, percent }))
  })

  app.post('/api/gateway/rollback', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const { gateway, ...change } = changeOf(request.body)
    return sendAnswer(reply, () => gateways.rollBack(gateway, change))
  })
}

/** Which share, and why. */
function changeOf(sent: unknown): { readonly gateway: string; readonly route: string; readonly tenant?: string; readonly why: string } {
  const body = typeof sent === 'object' && sent !== null ? (sent as Record<string, unknown>) : {}
  return {
    ...requiredTexts(body, ['gateway', 'route', 'why']),
    ...(body['tenant'] !== undefined && requiredTexts(body, ['tenant'])),
  }
}
