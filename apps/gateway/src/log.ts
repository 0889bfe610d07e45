/** Where the gateway reports: pino's way of calling, of which it needs no more. */
export interface GatewayLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
