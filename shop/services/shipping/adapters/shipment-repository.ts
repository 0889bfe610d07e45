import type { Database } from 'seaworthy/core'
import type { ShipmentRepository } from '../application/ports.ts'
import type { ParcelLine, Shipment } from '../domain/parcel.ts'

const INSERT_SHIPMENT = 'INSERT INTO shipments (id, order_id, customer_id, lines, state) VALUES (?, ?, ?, ?, ?)'
// By primary key.
const UPDATE_SHIPMENT = 'UPDATE shipments SET state = ? WHERE id = ?'
// By primary key.
const SELECT_SHIPMENT = 'SELECT id, order_id, customer_id, lines, state FROM shipments WHERE id = ?'
// shipments_by_order, a look-up for each order. 'booked' comes before 'cancelled'.
const SELECT_PARCELS = `SELECT order_id, min(state) AS state FROM shipments
  WHERE order_id IN (SELECT value FROM json_each(?)) GROUP BY order_id`

interface ShipmentRow {
  readonly id: string
  readonly order_id: string
  readonly customer_id: string
  readonly lines: string
  readonly state: Shipment['state']
}

export const shipmentRepository: ShipmentRepository = {
  async add(tx, { id, orderId, customerId, lines, state }) {
    await tx.execute({ sql: INSERT_SHIPMENT, params: [id, orderId, customerId, JSON.stringify(lines), state] })
  },
  async setState(tx, shipmentId, state) {
    await tx.execute({ sql: UPDATE_SHIPMENT, params: [state, shipmentId] })
  },
  async find(tx, shipmentId) {
    const [row] = await tx.query<ShipmentRow>({ sql: SELECT_SHIPMENT, params: [shipmentId] })
    return row === undefined
      ? undefined
      : { id: row.id, orderId: row.order_id, customerId: row.customer_id, lines: JSON.parse(row.lines) as ParcelLine[], state: row.state }
  },
}

/** How the parcels of these orders stand: booked, if one of them is. */
export async function parcelsOf(
  database: Database,
  orderIds: readonly string[],
): Promise<readonly { readonly orderId: string; readonly state: Shipment['state'] }[]> {
  const rows = await database.query<Pick<ShipmentRow, 'order_id' | 'state'>>({ sql: SELECT_PARCELS, params: [JSON.stringify(orderIds)] })
  return rows.map(({ order_id: orderId, state }) => ({ orderId, state }))
}
