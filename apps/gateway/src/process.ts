import { growYoungGenerationAtOnce } from '@seaworthy/http-proxy'
import { destinationsFrom, isTaken, startTelemetry, type Telemetry } from '@seaworthy/telemetry'
import type { PrometheusOptions } from '@seaworthy/telemetry/prometheus'
import { type Lifecycle, lifecycle, onTerminationSignals } from 'seaworthy/system'
import type { ProcessConfig } from './config.ts'

// Less than the supervisor gives the gateway before it kills it: 3,700 ms of drain, its lingering, and what the traces need.
const STOP_TIMEOUT_MS = 4_100

/** What a gateway of either kind begins with: telemetry, and a life that ends with a signal. */
export function beginProcess(
  { service, instance, otlpUrl, logLevel }: ProcessConfig,
  metrics: PrometheusOptions,
): Pick<Telemetry, 'logger' | 'metrics'> & { readonly life: Lifecycle } {
  growYoungGenerationAtOnce()
  const destinations = destinationsFrom(process.env)
  // Spans that nobody takes would cost every request as much as its way through the gateway.
  const tracing = otlpUrl !== undefined || isTaken('traces', destinations)
  const telemetry = startTelemetry({ service, instance, otlpUrl, destinations, logLevel, tracing, metrics })
  const { logger } = telemetry
  const life = lifecycle({
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onStopError: (part, error) => logger.error({ err: error }, `${part} failed to stop`),
  })
  onTerminationSignals((reason) => {
    logger.info({ reason }, 'stopping')
    return life.stop(reason)
  })
  life.add('telemetry', () => telemetry.shutdown())
  return { logger, metrics: telemetry.metrics, life }
}
