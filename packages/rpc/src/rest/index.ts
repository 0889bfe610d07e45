/**
 * REST and JSON over HTTP/1.1.
 *
 * The problem: hand-written servers and clients disagree about fields, errors and deadlines, and find out in production.
 * The guarantee: one contract types the handlers and the client, checks what arrives on both sides, and is the OpenAPI document;
 * every error is Problem Details with what is known about the effect; a drain fails nobody whose client asks again.
 * Not promised: that what a handler answers is checked before it is sent; its type is, and the client checks what it receives.
 */
export {
  type ContractSchema,
  restContract,
  type RestAnswer,
  type RestArguments,
  type RestContract,
  type RestMethod,
  type RestOperation,
  type RestOperations,
  type RestRequest,
  type RestResult,
} from './contract.ts'
export { type DrainOptions } from './drain.ts'
export { exchangeOf, httpServer, type HttpServer, type HttpServerOptions } from './server.ts'
export { type HealthCheck, type Readiness } from './health.ts'
export { type RestHandler, type RestHandlers, serve } from './serve.ts'
export { restClient, type RestClient, type RestClientOptions } from './client.ts'
export { openApi, type OpenApiInfo } from './openapi.ts'
export { type Problem } from 'seaworthy/http'
