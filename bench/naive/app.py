"""The server of the tutorials: FastAPI in front of torch."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("model")
model = AutoModelForSequenceClassification.from_pretrained("model").eval()
app = FastAPI()


class Request(BaseModel):
    text: str


@app.get("/ready")
def ready() -> bool:
    return True


@app.post("/predict")
def predict(request: Request) -> dict[str, str | float]:
    inputs = tokenizer(request.text, return_tensors="pt", truncation=True, max_length=512)
    inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        probabilities = model(**inputs).logits.softmax(-1)[0]
    best = int(probabilities.argmax())
    return {"label": model.config.id2label[best], "proba": float(probabilities[best])}
