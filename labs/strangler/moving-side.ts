import { once } from 'node:events'
import { createServer } from 'node:http'
import { cutOverSchema, serveSide, type SideName, sqliteSide } from '@seaworthy/strangler/cut-over'
import type { ServiceComposition } from '../../shop/platform/service-ports.ts'
import { MAPPINGS, type MovingModule } from './mappings.ts'

export interface MovingSide {
  /** Whose data moves. */
  readonly module: MovingModule
  readonly side: SideName
  /** On loopback, for the cut-over alone. */
  readonly port: number
}

/** The same service, with its side of a cut-over beside it: as long as its data moves, the process that writes the file serves it to whoever moves it. */
export function withSide(composition: ServiceComposition, { module, side, port }: MovingSide): ServiceComposition {
  const { service, schema, stores = [], wire } = composition
  return {
    service,
    schema: [() => cutOverSchema, ...schema],
    stores,
    async wire(ports) {
      await wire(ports)
      const own = await sqliteSide({ mapping: MAPPINGS[module], side, database: ports.database })
      const server = createServer(serveSide(own, { token: process.env['LAB_TOKEN'] ?? '' }))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      ports.onStop('side of the cut-over', async () => {
        server.close()
        server.closeAllConnections()
      })
    },
  }
}
