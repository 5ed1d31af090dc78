# Texts of the engine's errors that functions and their callers see, as V8 words them.
s/"cannot read property '%s' of \(null\|undefined\)"/"Cannot read properties of \1 (reading '%s')"/
s/"cannot set property '%s' of \(null\|undefined\)"/"Cannot set properties of \1 (setting '%s')"/
s/"cannot convert symbol to \(string\|number\)"/"Cannot convert a Symbol value to a \1"/
s/"invalid string length"/"Invalid string length"/
s/JS_ThrowInternalError(\([a-z>-]*\), "string too long")/JS_ThrowRangeError(\1, "Invalid string length")/
s/"circular reference")/"Converting circular structure to JSON")/
s/"invalid brand on object"/"Receiver must be an instance of the class that declares the private member"/
