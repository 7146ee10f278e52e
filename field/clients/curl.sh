#!/bin/sh
# curl, as the vendors' pages show it. Prints one line of JSON for each look.
say() { printf '{"look":"%s","good":%s,"saw":"%s"}\n' "$1" "$2" "$3"; }
holds() { case "$2" in *"$3"*) say "$1" true "$4" ;; *) say "$1" false "$(printf %s "$2" | tr -d '"\\' | tr '\n' ' ' | head -c 200)" ;; esac; }

answer=$(curl -sS "$CLAIMCHECK_URL/v1/chat/completions" -H "Authorization: Bearer $CLAIMCHECK_KEY" -H "Content-Type: application/json" \
  -d '{"model":"chat","messages":[{"role":"user","content":"Which colors?"}]}')
holds "OpenAI: chat" "$answer" '"content":"Red and blue' "the text"

answer=$(curl -sSN "$CLAIMCHECK_URL/v1/chat/completions" -H "Authorization: Bearer $CLAIMCHECK_KEY" -H "Content-Type: application/json" \
  -d '{"model":"chat","stream":true,"messages":[{"role":"user","content":"Which colors?"}]}')
holds "OpenAI: stream" "$answer" 'data: [DONE]' "data lines up to [DONE]"

answer=$(curl -sS --request POST --url "$CLAIMCHECK_URL/baseten/echo/production/predict" -H "Authorization: Api-Key $CLAIMCHECK_KEY" \
  -H "Content-Type: application/json" -d '{"text":"a"}')
holds "Baseten: predict" "$answer" '{"text":"a"}' "the output"

answer=$(curl -sS "$CLAIMCHECK_URL/baseten/echo/production/predict" -H "Authorization: Api-Key $CLAIMCHECK_KEY" -d '{"text":"a"}')
holds "Baseten: predict, as the form that curl takes data for" "$answer" 'Content-Type: application/json' "415, and which type is wanted"

answer=$(curl -sS -X POST "$CLAIMCHECK_URL/v2/models/simple/infer" -H "Authorization: Bearer $CLAIMCHECK_KEY" \
  -d '{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"INT32","data":[1,2]},{"name":"INPUT1","shape":[1,2],"datatype":"INT32","data":[3,4]}]}')
holds "Triton: infer" "$answer" '"data":[4,6]' "the sum"

answer=$(curl -sS -o /dev/null -w '%{http_code}' "$CLAIMCHECK_URL/v2/health/live")
holds "Triton: live" "$answer" 200 "200"

answer=$(curl -sSi -X POST "$CLAIMCHECK_URL/v2/inference/echo/run" -H "X-Api-Key: $CLAIMCHECK_KEY" -H 'content-type: application/json' -d '{"input":{"text":"a"}}')
holds "Reka: submit" "$answer" '202' "202"
