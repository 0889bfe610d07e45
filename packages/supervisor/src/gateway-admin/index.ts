/**
 * The admin API of a gateway, from the side of those who ask: the command line and the console.
 *
 * The problem: whoever has the token of a gateway may move its routes, so that it must not come to a browser, or into a command line that others can read.
 * The guarantee: the token is read from the gateway's own file for each question, and goes to the gateway alone; what the gateway refuses comes back with its code.
 * Not promised: that a shift which got no answer in time was not made: the error says so, and the ledger knows.
 */
export { type AdminQuestion, type GatewayAdmin, askGatewayAdmin, gatewayAdminOf, supervisedTokenFile } from './ask.ts'
export type {
  BySide,
  Counts,
  DataStanding,
  DifferingField,
  ErrorBudget,
  Evidence,
  GatewayOverview,
  LedgerEntry,
  RollbackRequest,
  RouteComparison,
  RouteOverview,
  ShiftRequest,
  SideFigures,
  TrafficHistory,
} from './overview.ts'
