# The web page of derain on the CPU, as a user without rights. This file has not been built yet: no builder was at hand.
#
#     docker build --tag derain .
#     docker run --rm --publish 127.0.0.1:7860:7860 derain
#
# Photos from the command line, with the folder mounted:
#
#     docker run --rm --volume "$PWD:/pictures" --workdir /pictures --user "$(id -u)" derain restore wet --out dry
FROM python:3.13-slim

# PyTorch for the CPU alone: a tenth of the size of the one for GPUs.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_NO_CACHE_DIR=1
COPY pyproject.toml constraints.txt README.md LICENSE /source/
COPY src /source/src
RUN pip install --constraint /source/constraints.txt '/source[video,heif,raw,app]' && rm -r /source

RUN useradd --create-home derain
USER derain
WORKDIR /home/derain
EXPOSE 7860
ENTRYPOINT ["derain"]
CMD ["serve", "--host", "0.0.0.0"]
