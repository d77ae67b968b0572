# frozen_string_literal: true

# What a workload in Ruby is around its workload: options, modes, clocks, the result line; as the C
# workloads have them (workloads/runtime), so that the runner cannot tell them apart.
require "forwardable"
require "json"

require_relative "runtime/options"
require_relative "runtime/system"
require_relative "runtime/histogram"
require_relative "runtime/work"
require_relative "runtime/bond"
require_relative "runtime/echoes"
require_relative "runtime/crew"
require_relative "runtime/pool"
require_relative "runtime/events"
require_relative "runtime/modes"
require_relative "runtime/result"
require_relative "runtime/main"
