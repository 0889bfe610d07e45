import type { RequestListener } from 'node:http'
import { InvalidInputError } from 'seaworthy/core'
import type { CutOver } from './cut-over.ts'
import type { SideName } from './mapping.ts'
import { type Asked, jsonListener } from './wire.ts'

/**
 * A cut-over on HTTP, for a gateway and for people: `GET /status`, `/ready`, `/route?key=&wish=&token=`, `/held`, `/token?side=`; `POST /switch`, `/rollback`, `/retire`,
 * `/verify`, `/copy`. Never on a public port.
 */
export function serveCutOver(cutOver: CutOver, options: { readonly token: string }): RequestListener {
  return jsonListener(
    {
      'GET /status': () => cutOver.status(),
      'GET /ready': () => cutOver.readiness(),
      'GET /route': ({ query }) => {
        const [key, wish, token] = [query.get('key'), query.get('wish'), query.get('token')]
        return cutOver.route({
          ...(key !== null && { key }),
          ...(wish !== null && { wish: sideOf(wish) }),
          ...(token !== null && { token }),
        })
      },
      'GET /held': () => cutOver.held(),
      'GET /token': async ({ query }: Asked) => ({ token: await cutOver.token(sideOf(query.get('side') ?? '')) }),
      'POST /switch': () => cutOver.switch(),
      'POST /rollback': () => cutOver.rollBack(),
      'POST /retire': () => cutOver.retire(),
      'POST /verify': () => cutOver.verify(),
      'POST /copy': async () => {
        await cutOver.copyAgain()
        return cutOver.status()
      },
    },
    options.token,
    // A gateway's question before a shift, which changes nothing.
    new Set(['GET /ready']),
  )
}

function sideOf(text: string): SideName {
  if (text === 'old' || text === 'new') return text
  throw new InvalidInputError(`A side is old or new, not '${text}'.`, [{ field: 'side', message: text }])
}
