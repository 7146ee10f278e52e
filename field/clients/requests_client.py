"""`requests`, as the vendors' pages show it."""

import time

import requests
from looks import KEY, URL, look


def until_done(ask, done):
    for _ in range(100):
        answer = ask()
        if done(answer):
            return answer
        time.sleep(0.1)
    return answer


@look("Baseten: async_predict, status")
def _():
    auth = {"Authorization": f"Api-Key {KEY}"}
    submitted = requests.post(f"{URL}/baseten/echo/production/async_predict", headers=auth, json={"model_input": {"text": "a"}})
    request_id = submitted.json()["request_id"]
    ask = lambda: requests.get(f"{URL}/baseten/echo/async_request/{request_id}", headers=auth).json()  # noqa: E731
    answer = until_done(ask, lambda answer: answer["status"] == "SUCCEEDED")
    return submitted.status_code == 201 and answer["status"] == "SUCCEEDED", f"{submitted.status_code}, then {answer['status']}"


@look("Baseten: predict")
def _():
    answer = requests.post(f"{URL}/baseten/echo/production/predict", headers={"Authorization": f"Api-Key {KEY}"}, json={"text": "a"})
    return answer.json() == {"text": "a"}, f"{answer.status_code} {answer.text}"


@look("Vody: submit, status, results")
def _():
    auth = {"x-vody-api-key": KEY}
    submitted = requests.post(f"{URL}/inference/items", headers=auth, json=[{"image_path": "https://images.example/a.png", "product_type": "dress"}])
    if "id" not in submitted.json():
        return False, f"{submitted.status_code} {submitted.text}"
    number = submitted.json()["id"]
    ask = lambda: requests.get(f"{URL}/inference/{number}/status", headers=auth).json()  # noqa: E731
    status = until_done(ask, lambda answer: answer["status"] != "in_progress")
    results = requests.get(f"{URL}/inference/{number}/results", headers=auth)
    return status["status"] == "completed" and results.status_code == 200, f"{submitted.status_code}, then {status['status']}, results {results.text[:100]}"


@look("Reka: submit, status, result")
def _():
    auth = {"X-Api-Key": KEY}
    submitted = requests.post(f"{URL}/v2/inference/echo/run", headers=auth, json={"input": {"text": "a"}})
    number = submitted.json()["request_id"]
    at = f"{URL}/v2/inference/requests/{number}"
    status = until_done(lambda: requests.get(f"{at}/status", headers=auth).json(), lambda answer: answer["status"] == "COMPLETED")
    return status["status"] == "COMPLETED", f"{submitted.status_code}, then {status['status']}, output {requests.get(at, headers=auth).json().get('output')}"


@look("own: stream with iter_lines")
def _():
    ask = {"model": "chat", "messages": [{"role": "user", "content": "Which?"}], "stream": True}
    with requests.post(f"{URL}/v1/chat/completions", headers={"Authorization": f"Bearer {KEY}"}, json=ask, stream=True) as answer:
        lines = [line for line in answer.iter_lines(decode_unicode=True) if line.startswith("data:")]
    return lines[-1] == "data: [DONE]", f"{len(lines)} data lines, the last [DONE]"
