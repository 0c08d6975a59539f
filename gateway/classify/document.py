"""Stage 8: whether a text is private prose though it holds no identifier: medical, or of a company's or job's affairs.

Counted are different words of the field, those that hardly mean anything else in full and the others in part, over the
root of the length, and words of one who tells of himself or of somebody. A request for knowledge begins otherwise. The
words were written for this project; a model fitted on the few free texts of this kind learns their style (ADR 10).
"""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

from gateway.classify.hits import LIKELY, POSSIBLE, Hit
from gateway.classify.view import View

MEDICAL, BUSINESS = "medical", "confidential_business"
HEAD, TAIL = 1200, 400
"""Characters read of a longer text: enough to tell what it is about, and of bounded cost."""
_LINE_WORDS = 40  # up to here length does not count
_SURE = 1.5  # over the threshold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Field(NamedTuple):
    """What private prose of one kind is told by. The numbers are what each counts for, `threshold` is for the sum.

    `transcript`: for two of the `speakers`. `asked`: off, for a first word that asks for knowledge.
    """

    kind: str
    strong: frozenset[str]
    weak: frozenset[str]
    telling: frozenset[str]
    asking: frozenset[str]
    weak_share: float
    telling_share: float
    most_telling: int
    asked: float
    question: float
    speakers: tuple[str, ...]
    transcript: float
    threshold: float


_ASKING = _words(
    "explain what list describe write give generate create define which choose classify how suggest recommend identify"
)
_ASKING_ALSO = _words(
    "act are can compose craft design do does help if is prepare provide rewrite summarise summarize you "
)
_MEDICAL = _words(
    "abdomen abdominal abortion ache aches acute addiction admitted afebrile aids alcoholism allergic allergies "
    "allergy alzheimer alzheimer's ambulance amoxicillin anemia ankle anorexia antibiotic antibiotics anxious "
    "appendectomy appetite artery arthritis aspirin asthma auscultation backache bellyache bilateral biopsy bipolar "
    "bladder bleeding blind blood bmi bowel breast breasts breath breathing bronchitis brustkrebs bulimia bypass "
    "cancer cancers carcinoma cardiac catheter cervical chemo chemotherapy chest chimiothérapie cholecystectomy "
    "cholesterol chronic cigarettes clinic complains complaint constipation copd coronary cough coughing counseling "
    "ct deaf dementia denies depressed diabetes diabetic diagnosed diagnoses diagnosis diagnosticaron diagnostiqué "
    "dialysis diarrhea disability discharge discharged disease diseases disorder disorders dizziness dizzy dosage "
    "dose ecg edema ekg elbow epilepsy fatigue fever follow-up followup fracture fractured genetic glucose gravida "
    "headache headaches hepatitis herpes hiv hormone hospital hospitalization hospitalized hyperlipidemia "
    "hypertension hysterectomy ibuprofen immunizations infant infected infection infections inhaler injured injury "
    "insomnia insulin itching itchy kidney kidneys knee knees krebs lbs lesion lesions leukaemia leukemia lipitor "
    "lisinopril liver lumbar lung lungs lymphoma mastectomy medication medications medicines meds menstrual metformin "
    "methadone mg miscarriage mole mri murmur mutation nausea newborn numb numbness nurse obesity opioid opioids "
    "osteoporosis ovary overdose oxycodone pain pains panic parkinson's patient's patients pediatric pediatrician "
    "penicillin physician pill pills pneumonia pregnancy pregnant prescribed prescription prescriptions prostate "
    "prozac psychiatric psychiatrist psychologist ptsd rash rashes recovering rehab relapse schizophrenia sclerosis "
    "seizure seizures sertraline shortness shoulder sinus sklerose smoker smoking sober sobriety spinal spine sprain "
    "std stent steroid steroids stomach stomachache stroke suicidal suicide surgeon surgeries surgery surgical "
    "swelling swollen symptom symptoms syndrome tablets tenderness therapist throat thyroid tingling tobacco "
    "tonsillectomy transplant treatment treatments trimester tuberculosis tumor tumors tumour tylenol ultrasound "
    "unremarkable urinary urine uterus vaccination vaccinations vaginal vein vomiting weakness wheelchair wrist x-ray "
    "xray "
)
_MEDICAL_TOO = _words(
    "accident alcohol anxiety arm arms back birth broken brother condition conditions deceased delivery depression "
    "died doctor doctors dr drink drinking drug ear ears emergency exam examination eye eyes family father feet foot "
    "hand hearing heart hip history lab labs leg legs medicine mild mother neck negative normal nose noted operation "
    "parents parkinson patient period periods positive presented presents pressure radiation recovery reports scan "
    "severe sister skin sleep smoke sugar test tested tests therapy tired trauma vision weak weight "
)
_OF_A_PATIENT = _words(
    "admitted been child client complains dad daughter denies diagnosed doctor father's feel feeling had has have he "
    "her hers him his history husband i i'm i've ich je m'a ma'am me meine mom mother's mr mrs ms mum my "
    "noncontributory none our patient patient's presented presents reports returns reviewed she sir sister's son "
    "started take takes taking underwent unknown was wife "
)
_BUSINESS = _words(
    "account accounts acquire acquisition affair appraisal arrested asylum attorney audit backlog balance bankruptcy "
    "belegschaft board bonus breach budget bullying ceo cfo citizenship client clients colleague compensation "
    "confidencial confidential confidentiality confidentially confidentiel contract contracts conviction counsel "
    "coworker coworkers credit criminal custody deadline deadlines debt defendant deliverables disciplinary dismissal "
    "divorce donation donor embargo employee employees evaluation fired forecast foreclosure gpa grades grievance "
    "harassment hiring hr immigration internal interview interviews investment investments investor investors "
    "kündigung lawsuit lawyers layoff layoffs legal licencier litigation loan manager margin margins merger milestone "
    "milestones misconduct mortgage nda negotiation negotiations overstated patent payroll performance plagiarism "
    "plaintiff portfolio pricing privileged profit project projects promotion proprietary prototype recruiter "
    "regulator resign resignation resigned revenue revenues roadmap rollout salaries salary secret secretly "
    "settlement severance shareholders sprint stakeholder stakeholders strategic strategy supervisor supplier "
    "takeover team tender terminated termination transaction transactions transcript unannounced underperforming "
    "undisclosed undocumented unreleased upgrade valuation vendor vendors vertraulich visa workplace "
)
_BUSINESS_TOO = _words(
    "agreed agreement business case company competitor competitors completed concerned concerns cost costs customers "
    "cut department details discuss discussed finance finances financial issue issues launch market meeting offer "
    "partnership personal plan planned private privately progress project proposal q1 q2 q3 q4 quarter raise recently "
    "regarding report review reviewed sales schedule situation task team update updates "
)
_OF_US = _words("best dear he her hey hi his i i'm i've me my our regards she thanks their they us we ")

_AT_THE_DOCTOR = ("doctor:", "patient:", "nurse:", "clinician:", "arzt:", "médecin:", "medico:")

FIELDS = (
    Field(MEDICAL, _MEDICAL, _MEDICAL_TOO, _OF_A_PATIENT, _ASKING, 0.35, 0.3, 5, 1.0, 0.0, _AT_THE_DOCTOR, 1.5, 2.4),
    Field(BUSINESS, _BUSINESS, _BUSINESS_TOO, _OF_US, _ASKING | _ASKING_ALSO, 0.4, 0.25, 4, 1.5, 0.7, (), 0.0, 2.0),
)
_PUNCTUATION = str.maketrans(dict.fromkeys('.,;:!?()[]{}"*#|<>/=', " ") | {"’": "'"})


def find_private_prose(view: View) -> Iterator[Hit]:
    """The whole text, where it is prose of a kind that one keeps to oneself."""
    lower = view.lower
    ends = lower if len(lower) <= HEAD + TAIL else f"{lower[:HEAD]} {lower[-TAIL:]}"
    words = ends.translate(_PUNCTUATION).split()
    different = {word.removesuffix("'s") for word in words}
    for field in FIELDS:
        strong, weak = len(different & field.strong), len(different & field.weak)
        is_transcript = sum(speaker in ends for speaker in field.speakers) > 1
        if (strong and strong + weak > 1) or is_transcript:
            score = _score(field, strong, weak, words) + field.transcript * is_transcript
            over = score - field.question * ("?" in ends) - field.threshold
            if over >= 0:
                yield Hit(0, len(view.text), LIKELY if over > _SURE else POSSIBLE, field.kind)


def _score(field: Field, strong: int, weak: int, words: list[str]) -> float:
    length = sqrt(max(1.0, len(words) / _LINE_WORDS))
    telling = min(sum(word in field.telling for word in words), field.most_telling)
    score = (strong + field.weak_share * weak) / length + field.telling_share * telling
    return score - field.asked if words[0] in field.asking else score
