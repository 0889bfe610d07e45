import type { ServiceComposition } from '../../platform/service-ports.ts'
import { shippingOverGrpc } from './adapters/grpc.ts'
import { serveParcels } from './adapters/http.ts'
import { SHIPPING_SCHEMA } from './adapters/schema.ts'
import { shipmentRepository } from './adapters/shipment-repository.ts'
import { booking } from './application/booking.ts'
import { service } from './service.ts'

/** How shipping is put together. */
export const shipping: ServiceComposition = {
  service,
  schema: [SHIPPING_SCHEMA],
  async wire({ database, outbox, participant, newId, serveRest, serveGrpc }) {
    serveParcels(serveRest, database)
    serveGrpc(shippingOverGrpc(booking({ shipments: shipmentRepository, participant, outbox, newId })))
  },
}
