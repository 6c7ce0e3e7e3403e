/** The client side of the transport, on grpc-js: connections to one endpoint. */
import {
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  status as grpcStatus,
  type Metadata,
} from '@grpc/grpc-js'
import { toMetadata, toRpcError } from './grpc-metadata.js'
import { GrpcStream } from './grpc-stream.js'
import { CHANNEL_LIMITS, type ChannelLimits } from './limits.js'
import { Code, RpcError } from './status.js'
import type {
  CallOptions,
  Channel,
  ChannelState,
  ClientStream,
  StreamMethod,
  UnaryMethod,
} from './types.js'

const STATES = new Map<connectivityState, ChannelState>([
  [connectivityState.IDLE, 'idle'],
  [connectivityState.CONNECTING, 'connecting'],
  [connectivityState.READY, 'ready'],
  [connectivityState.TRANSIENT_FAILURE, 'failed'],
  [connectivityState.SHUTDOWN, 'closed'],
])

const asIs = (bytes: Buffer): Buffer => bytes

/**
 * Connects with the first call. `endpoint`: `host:port`. `connection`: channels of this process to one endpoint with
 * the same limits and the same number share a connection; absent: the channel has one to itself.
 */
export function connect(
  endpoint: string,
  limits: Partial<ChannelLimits> = {},
  connection?: number,
): Channel {
  return new GrpcChannel(endpoint, { ...CHANNEL_LIMITS, ...limits }, connection)
}

class GrpcChannel implements Channel {
  readonly endpoint: string
  readonly #client: Client
  readonly #limits: ChannelLimits
  readonly #open = new Set<{ cancel(): void }>()
  #closed = false

  constructor(endpoint: string, limits: ChannelLimits, connection?: number) {
    this.endpoint = endpoint
    this.#limits = limits
    this.#client = new Client(`dns:${endpoint}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': limits.receiveBytesMax,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.initial_reconnect_backoff_ms': limits.backoffMsMin,
      'grpc.max_reconnect_backoff_ms': limits.backoffMsMax,
      'grpc-node.flow_control_window': limits.windowBytes,
      // Straight to its endpoint; retries are the caller's. grpc-js shares a connection among channels whose options
      // are equal, those that it does not know included.
      ...(connection === undefined
        ? { 'grpc.use_local_subchannel_pool': 1 }
        : { 'quorate.connection': connection }),
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.service_config_disable_resolution': 1,
    })
  }

  get state(): ChannelState {
    if (this.#closed) return 'closed'
    return STATES.get(this.#client.getChannel().getConnectivityState(false)) ?? 'failed'
  }

  unary<Req, Res>(
    method: UnaryMethod<Req, Res>,
    request: Req,
    options: CallOptions = {},
  ): Promise<Res> {
    if (this.#closed) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        (message: Req) => asBuffer(method.request.encode(message)),
        asIs,
        request,
        metadataOf(options),
        deadlineOf(options),
        (error, bytes) => {
          this.#open.delete(call)
          if (error !== null) reject(toRpcError(error))
          else if (bytes === undefined) reject(new RpcError(Code.INTERNAL, 'no answer'))
          else resolveDecoded(method, bytes, resolve, reject)
        },
      )
      this.#open.add(call)
    })
  }

  stream<Req, Res>(
    method: StreamMethod<Req, Res>,
    options: CallOptions = {},
  ): ClientStream<Res, Req> {
    if (this.#closed) throw closedError()
    const call: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(
      method.path,
      asIs,
      asIs,
      metadataOf(options),
      deadlineOf(options),
    )
    const stream = new GrpcStream<Res, Req>(call, {
      incoming: method.response,
      outgoing: method.request,
      joins: method.joins,
      highWaterBytes: this.#limits.streamHighWaterBytes,
      queuedBytesMax: this.#limits.streamQueuedBytesMax,
      finish: () => call.end(),
      abort: () => call.cancel(),
    })
    this.#open.add(call)
    // Told again by the status.
    call.on('error', () => {})
    call.once('status', (status) => {
      this.#open.delete(call)
      if (status.code !== grpcStatus.OK) stream.close(toRpcError(status))
      else if (call.readableEnded) stream.close(null)
      else call.once('end', () => stream.close(null))
    })
    return stream
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const call of this.#open) call.cancel()
    this.#client.close()
  }
}

function resolveDecoded<Req, Res>(
  method: UnaryMethod<Req, Res>,
  bytes: Buffer,
  resolve: (response: Res) => void,
  reject: (error: RpcError) => void,
): void {
  try {
    resolve(method.response.decode(bytes))
  } catch {
    reject(new RpcError(Code.INTERNAL, 'answer cannot be decoded'))
  }
}

function metadataOf(options: CallOptions): Metadata {
  return toMetadata(options.metadata ?? {})
}

function deadlineOf(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs }
}

function closedError(): RpcError {
  return new RpcError(Code.UNAVAILABLE, 'channel is closed')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
