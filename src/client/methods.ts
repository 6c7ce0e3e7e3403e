/** The methods that the client calls. */
import { FaultInjectionDefinition } from '../gen/quorate/v1/faults.js'
import { QuorateDefinition } from '../gen/quorate/v1/quorate.js'
import { commandBatchCodec, submitCommandRequestCodec } from '../rpc/fast-codecs.js'
import { streamMethod, unaryMethod } from '../rpc/methods.js'
import { submitCommandsResponse } from './codecs.js'

const { methods } = QuorateDefinition

export const SUBMIT_COMMAND = unaryMethod(QuorateDefinition, methods.submitCommand, {
  request: submitCommandRequestCodec,
})
export const SUBMIT_COMMANDS = streamMethod(QuorateDefinition, methods.submitCommands, {
  request: commandBatchCodec,
  response: submitCommandsResponse,
  joins: true,
})
export const QUERY = unaryMethod(QuorateDefinition, methods.query)
export const STATUS = unaryMethod(QuorateDefinition, methods.status)
export const TRANSFER_LEADERSHIP = unaryMethod(QuorateDefinition, methods.transferLeadership)
export const SET_PARTITION = unaryMethod(
  FaultInjectionDefinition,
  FaultInjectionDefinition.methods.setPartition,
)
export const SET_FAULTS = unaryMethod(
  FaultInjectionDefinition,
  FaultInjectionDefinition.methods.setFaults,
)
export const GET_FAULTS = unaryMethod(
  FaultInjectionDefinition,
  FaultInjectionDefinition.methods.getFaults,
)
export const SET_BYZANTINE = unaryMethod(
  FaultInjectionDefinition,
  FaultInjectionDefinition.methods.setByzantine,
)
