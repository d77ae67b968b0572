# frozen_string_literal: true

# Options as rows, as in base/param.c: the same values, the same sentences, the same exit codes.

FAILED = 1
MISUSE = 2
IMPOSSIBLE = 3

# One sentence for the user, and the exit status.
class Refusal < StandardError
  attr_reader :code

  def initialize(code, text)
    super(text)
    @code = code
  end
end

Param = Struct.new(:name, :kind, :fallback, :low, :high, :choices, :value, :help, keyword_init: true)

module Options
  NUMBER_UNITS = { "" => 1, "k" => 1000, "M" => 1_000_000, "G" => 1_000_000_000 }.freeze
  TIME_UNITS = { "" => 1, "ns" => 1, "us" => 1000, "ms" => 1_000_000, "s" => 1_000_000_000 }.freeze

  module_function

  # Of Levenshtein.
  def distance(from, to)
    row = (0..to.length).to_a
    from.each_char.with_index(1) do |x, i|
      diagonal = row[0]
      row[0] = i
      to.each_char.with_index(1) do |y, j|
        least = [diagonal + (x == y ? 0 : 1), row[j] + 1, row[j - 1] + 1].min
        diagonal = row[j]
        row[j] = least
      end
    end
    row.last
  end

  # A third of the word may be wrong, and one letter always.
  def nearest(word, names)
    best = names.min_by { |name| distance(word, name) }
    best if best && distance(word, best) <= 1 + word.length / 3
  end

  def join(names)
    names.length == 1 ? names[0] : "#{names[0..-2].join(', ')} or #{names[-1]}"
  end

  def unknown(what, word, names)
    near = nearest(word, names)
    Refusal.new(MISUSE, "unknown #{what} '#{word}'; " +
                        (near ? "did you mean '#{near}'?" : "give #{join(names)}"))
  end

  # Digits, an optional fraction, and a unit; nil when it is not such, or is not whole.
  def read_scaled(text, units)
    parts = /\A(\d+)(?:\.(\d+))?([a-zA-Z]*)\z/.match(text)
    return unless parts && units[parts[3]]

    scale = 10**parts[2].to_s.length
    scaled = (parts[1] + parts[2].to_s).to_i * units[parts[3]]
    scaled / scale if (scaled % scale).zero? && scaled / scale < 2**64
  end

  def format_time(number)
    unit, factor = TIME_UNITS.select { |_, size| size == 1 || (number % size).zero? }.to_a.last
    number.zero? ? "0ns" : "#{number / factor}#{unit}"
  end

  def read_number(row, text)
    time = row.kind == :time
    low, high = [row.low, row.high].map { |number| time ? format_time(number) : number }
    number = read_scaled(text, time ? TIME_UNITS : NUMBER_UNITS)
    return number if number&.between?(row.low, row.high)

    wrong = number ? "out of range" : "not a #{row.kind}"
    raise Refusal.new(MISUSE, "--#{row.name} '#{text}' is #{wrong}; give #{low} to #{high}")
  end

  def read_value(row, text)
    return read_number(row, text) if %i[number time].include?(row.kind)
    raise unknown("--#{row.name}", text, row.choices) if row.choices && !row.choices.include?(text)

    row.kind == :flag || text
  end

  # The value of an option before options are read: the mode decides which options exist.
  def look_ahead(words, name)
    found = nil
    words.each_with_index do |word, i|
      found = word.delete_prefix("#{name}=") if word.start_with?("#{name}=")
      found = words[i + 1] if word == name && i + 1 < words.length
    end
    found
  end

  # The values of all rows by name; nil for what has no default and was not given.
  def parse(words, rows)
    values = rows.to_h { |row| [row.name, row.fallback && read_value(row, row.fallback)] }
    words = words.map { |word| word == "-h" ? "--help" : word }
    until words.empty?
      word = words.shift
      break if word == "--"

      unless word.start_with?("-") && word != "-"
        words.unshift(word)
        break
      end
      row, value = take_option(word, words, rows)
      values[row.name] = read_value(row, value)
    end
    return values if words.empty?

    raise Refusal.new(MISUSE, "unexpected word '#{words[0]}'; options start with --")
  end

  def take_option(word, words, rows)
    name, equals, value = word.partition("=")
    row = rows.find { |one| "--#{one.name}" == name }
    raise unknown_option(name, rows) unless row
    raise Refusal.new(MISUSE, "--#{row.name} takes no value") if row.kind == :flag && equals != ""
    return [row, value] if row.kind == :flag || equals != ""
    return [row, words.shift] unless words.empty?

    raise Refusal.new(MISUSE, "--#{row.name} needs a value: --#{row.name} #{row.value}")
  end

  def unknown_option(name, rows)
    near = nearest(name, rows.map { |row| "--#{row.name}" })
    Refusal.new(MISUSE, "unknown option '#{name}'; " +
                        (near ? "did you mean '#{near}'?" : "--help lists them"))
  end

  def help(rows)
    rows.map do |row|
      left = row.kind == :flag ? "--#{row.name}" : "--#{row.name} #{row.value}"
      choices = row.choices ? ": #{join(row.choices)}" : ""
      fallback = row.fallback ? " (default #{row.fallback})" : ""
      format("  %-24s %s%s%s\n", left, row.help, choices, fallback)
    end.join
  end
end
